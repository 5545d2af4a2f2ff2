//! What tests compare with, talk to or run, which is not a part of this crate.

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
    skip(&path.to_string_lossy());
    None
}

/// Prints that a test is skipped, since `missing` is not installed, which `.ci/run` installs.
///
/// # Panics
///
/// In continuous integration.
pub fn skip(missing: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "{missing} is not installed"
    );
    println!("skipped: {missing} is not installed; `.ci/run` does that");
}
