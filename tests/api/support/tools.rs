//! What tests compare with or talk to, which is written in other languages.

use std::path::{Path, PathBuf};

/// The path of a tool below `target/tools`, which `.ci/run` installs.
///
/// # Panics
///
/// In continuous integration, if it is not installed.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/tools")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing",
        path.display()
    );
    println!("skipped: `.ci/run` installs {}", path.display());
    None
}
