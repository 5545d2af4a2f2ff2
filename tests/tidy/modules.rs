//! What the code of every module keeps to.

use crate::source::{Source, paths, report, sources};

#[test]
fn the_code_keeps_its_manners() {
    let mut faults = Vec::new();
    for source in &sources() {
        for (number, line) in source.code_before_tests() {
            let at = format!("{}:{number}", source.path);
            if line.contains(".unwrap()") {
                faults.push(format!("{at} unwraps"));
            }
            // The tests' one path to the inside.
            let is_facade = source.path == "testing.rs";
            if line.trim_start().starts_with("pub use ") && !is_facade {
                faults.push(format!("{at} re-exports"));
            }
            if line.trim_start().starts_with("use ") && line.contains('*') {
                faults.push(format!("{at} imports everything"));
            }
        }
    }
    report(&faults);
}

#[test]
fn modules_are_private_unless_they_are_used_outside() {
    let sources = sources();
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in &sources {
        let Some(folder) = source.path.strip_suffix("/mod.rs") else {
            continue;
        };
        for (_, line) in source.code_before_tests() {
            let Some(name) = line.strip_prefix("pub mod ") else {
                continue;
            };
            seen += 1;
            let module = format!("{folder}/{}", name.trim_end_matches(';'));
            let is_used = |other: &Source| {
                let is_inside = other.path.starts_with(&format!("{folder}/"));
                let code: Vec<_> = other.code().map(|(_, line)| line.trim()).collect();
                !is_inside
                    && paths(&code.concat()).iter().any(|path| {
                        format!("{}/", path.join("/")).starts_with(&format!("{module}/"))
                    })
            };
            if !sources.iter().any(is_used) {
                faults.push(format!(
                    "{module} is used in {folder} alone: make it private"
                ));
            }
        }
    }
    assert!(seen > 20, "modules were not found");
    report(&faults);
}
