//! What the program tells shells and readers of manuals about itself.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::process::Launch;

#[test]
fn completions_are_what_the_shells_understand() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let ended = Launch::new(&["completions", shell]).run();
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.stdout.contains("healthcheck"), "{shell}");
        assert!(ended.stdout.contains("set-password"), "{shell}");
        assert!(ended.stdout.contains("unlock"), "{shell}");
        let home = TempDir::new().expect("a temporary directory");
        let file = home.path().join("completions");
        fs::write(&file, &ended.stdout).expect("it is written");
        let checked = Command::new(shell)
            .arg(check)
            .arg(&file)
            .stdin(Stdio::null())
            .status();
        match checked {
            Ok(status) => assert!(status.success(), "{shell}"),
            Err(_) => eprintln!("skipped: there is no {shell}"),
        }
    }
    let refused = Launch::new(&["completions", "tcsh"]).run();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn each_command_has_a_manual_page() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("man1");
    let ended = Launch::new(&["man"]).argument(&directory).run();
    assert!(ended.status.success(), "{ended:?}");
    for page in ["rememberd", "rememberd-serve", "rememberd-admin-login-end"] {
        let path = directory.join(format!("{page}.1"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".TH "), "{page}");
    }
}

#[test]
fn the_version_names_that_of_the_schema() {
    let ended = Launch::new(&["--version"]).run();
    let (version, schema) = (
        env!("CARGO_PKG_VERSION"),
        rememberd::testing::SCHEMA_VERSION,
    );
    assert_eq!(
        ended.stdout,
        format!("rememberd {version} (database schema {schema})\n")
    );
}
