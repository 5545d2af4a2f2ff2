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
    let of = |shell: &str| Launch::new(&["completions", shell]).run().stdout;
    let bash = of("bash");
    let mut words = bash.lines().filter(|line| line.contains("compgen -W"));
    assert!(words.all(|line| !line.contains('*')), "{bash}");
    assert!(of("zsh").contains("Backup to restore:_files"));
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
    for entry in fs::read_dir(&directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("it is readable");
        assert!(!text.contains("EXTRA"), "{}", path.display());
        // Each option has a text.
        for option in text.split("\n.TP\n").skip(1) {
            let line = option.lines().nth(1).unwrap_or_default();
            assert!(!line.is_empty(), "{}: {option}", path.display());
        }
    }
    let section = |page: &str, name: &str| {
        let text = fs::read_to_string(directory.join(page)).expect("it is there");
        let (_, rest) = text
            .split_once(&format!("\n.SH {name}\n"))
            .unwrap_or_else(|| panic!("{page} has no {name}: {text}"));
        let (section, _) = rest.split_once("\n.SH ").unwrap_or((rest, ""));
        section.trim_end().to_owned()
    };
    let exit_status = "\"EXIT STATUS\"";
    assert_eq!(
        section("rememberd-check.1", exit_status),
        "0 if no damage was found, 1 if there is some, 2 if the check could not be carried out."
    );
    // They are those of the command above it.
    assert_eq!(
        section("rememberd-admin-login-end.1", exit_status),
        section("rememberd-admin.1", exit_status)
    );
    assert!(section("rememberd-check.1", "NOTES").starts_with("The database must not be in use"));
    let examples = section("rememberd-check.1", "EXAMPLES");
    assert!(examples.contains("\nrememberd check\n"), "{examples}");
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
