//! The real binary: its help, its settings, its data directory.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, token_files};

const DATABASE: &str = "rememberd.redb";

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("the path exists");
    metadata.permissions().mode() & 0o777
}

#[test]
fn help_lists_each_flag_with_its_variable_and_its_default() {
    const WITHOUT_DEFAULT: [&str; 28] = [
        "--audit-log-level",
        "--backup-dir",
        "--client-address-header",
        "--metrics",
        "--no-create",
        "--key-file",
        "--management-token-file",
        "--config",
        "--new-key",
        "--seed",
        "--seed-strict",
        "--allow-demo-secrets",
        "--persistent-login-idle-max",
        "--require-token",
        "--refuse-url-secrets",
        "--accept-clock",
        "--journal-target",
        "--worker-threads",
        "--trusted-proxy",
        "--two-phase-commit",
        "--mail-from",
        "--mail-reset-template",
        "--mail-verify-template",
        "--smtp-ca-file",
        "--smtp-host",
        "--smtp-password-file",
        "--smtp-port",
        "--smtp-user",
    ];
    let help = Launch::new(&["serve", "--help"]).run();
    assert!(help.status.success());
    let mut flags = Vec::new();
    for entry in help.stdout.split("\n      --").skip(1) {
        let name = entry.split([' ', '\n']).next().unwrap_or_default();
        let variable = name.to_uppercase().replace('-', "_");
        assert!(
            entry.contains(&format!("[env: REMEMBERD_{variable}=]")),
            "{entry}"
        );
        let text = entry.lines().nth(1).unwrap_or_default().trim();
        assert!(!text.is_empty() && !text.starts_with('['), "{entry}");
        let flag = format!("--{name}");
        let has_default = entry.contains("[default: ");
        assert_eq!(has_default, !WITHOUT_DEFAULT.contains(&flag.as_str()));
        flags.push(flag);
    }
    let some = ["--data-dir", "--listen", "--log-level", "--write-timeout"];
    for flag in some.iter().chain(&WITHOUT_DEFAULT) {
        assert!(flags.iter().any(|found| found == flag), "{flags:?}");
    }
}

#[test]
fn the_short_help_fits_on_a_screen() {
    let help = Launch::new(&["serve", "-h"]).run();
    assert!(help.status.success());
    let lines: Vec<&str> = help.stdout.lines().collect();
    assert!(lines.len() <= 44, "{} lines", lines.len());
    for line in &lines {
        assert!(line.len() <= 100, "{line}");
    }
    for flag in ["--data-dir", "--listen", "--persistent-login-max-age"] {
        assert!(help.stdout.contains(flag), "{flag}");
    }
    assert!(!help.stdout.contains("--journal-target"));
    assert!(help.stdout.contains("see --help."));
}

#[test]
fn the_lines_of_the_help_fit_on_a_terminal() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["admin", "--help"],
        &["admin", "access-token", "create", "--help"],
        &["backup", "--help"],
        &["healthcheck", "--help"],
        &["import", "--help"],
        &["key", "rotate", "--help"],
        &["restore", "-h"],
    ] {
        let help = Launch::new(command).run();
        assert!(help.status.success());
        for line in help.stdout.lines() {
            assert!(line.chars().count() <= 100, "{command:?}: {line}");
        }
    }
    // A paragraph fills its lines, however long they are in the source.
    let help = Launch::new(&["restore", "--help"]).run().stdout;
    let (_, note) = help.split_once("\n\nFILE is").expect("the note");
    let (note, _) = note.split_once("\n\n").expect("its end");
    let mut lines: Vec<&str> = note.lines().collect();
    lines.pop();
    for line in lines {
        assert!(line.len() > 80, "{note}");
    }
}

#[test]
fn help_groups_the_settings_by_topic_with_those_for_tuning_at_the_end() {
    let help = Launch::new(&["serve", "--help"]).run().stdout;
    let headings = help.lines().filter(|line| {
        line.ends_with(':') && line.starts_with(|letter: char| letter.is_ascii_uppercase())
    });
    let expected = [
        "Options:",
        "Data:",
        "HTTP:",
        "Persistent logins:",
        "Connections:",
        "Storage:",
        "Mail:",
        "Backups:",
        "Log:",
        "Tuning:",
    ];
    assert_eq!(headings.collect::<Vec<_>>(), expected);
}

#[test]
fn the_top_level_help_is_printed() {
    let help = Launch::new(&["--help"]).run();
    assert!(help.status.success() && help.stdout.contains("serve"));
}

#[test]
fn an_invalid_value_is_refused_by_the_names_of_its_flag_and_of_its_variable() {
    let home = home();
    for (flag, value) in [
        ("--listen", "nowhere"),
        ("--context-path", "no-slash"),
        ("--persistent-login-max-age", "0s"),
        ("--cleaner-interval", "soon"),
        ("--cache-size", "1KiB"),
        ("--queue-jobs-max", "0"),
        ("--connections-max", "-1"),
        ("--header-size-max", "1B"),
        ("--body-size-max", "many"),
        ("--log-format", "xml"),
        ("--log-level", "loud"),
    ] {
        let argument = format!("{flag}={value}");
        let variable = flag[2..].to_uppercase().replace('-', "_");
        let variable = format!("REMEMBERD_{variable}");
        let invalid = format!("invalid value '{value}' for '{flag} <");
        let given = Launch::serve(home.path()).argument(argument);
        let message = given.assert_fails();
        assert!(
            message.starts_with(&format!("error: {invalid}")),
            "{message}"
        );
        let set = Launch::serve(home.path()).variable(&variable, value);
        let message = set.assert_fails();
        let expected = format!("error: {variable}={value}: {invalid}");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert!(!home.path().join(DATABASE).exists());
}

#[test]
fn an_unknown_flag_or_command_is_refused() {
    let home = home();
    let message = Launch::serve(home.path()).argument("--fast").assert_fails();
    assert!(message.contains("--fast"), "{message}");
    Launch::new(&[]).assert_fails();
    Launch::new(&["dance"]).assert_fails();
}

#[test]
fn a_misspelled_command_or_flag_is_refused_with_the_one_that_is_meant() {
    for (arguments, meant) in [
        (&["admim"][..], "'admin'"),
        (&["admin", "profil"], "'profile'"),
        (&["admin", "profile", "lst"], "'list'"),
        (&["admin", "profile", "list", "--tenat=shop"], "'--tenant'"),
        (&["serve", "--key-fil=x"], "'--key-file'"),
    ] {
        let message = Launch::new(arguments).assert_fails();
        assert!(
            message.contains("similar") && message.contains(meant),
            "{message}"
        );
    }
}

#[test]
fn settings_are_taken_from_the_environment_unless_a_flag_is_given() {
    let (home, other) = (home(), home());
    let launch = || {
        Launch::serve(home.path())
            .variable("REMEMBERD_SEED", DEMO_SEED)
            .variable("REMEMBERD_CONTEXT_PATH", "/from/variable")
    };
    let serving = launch().start();
    assert_eq!(serving.context, "/from/variable");
    let response = serving.client("").get("/from/variable/health/ready");
    assert_eq!(response.status, 200);
    assert!(home.path().join(DATABASE).exists());
    serving.stop();
    let serving = launch()
        .argument("--context-path=/from/flag")
        .argument("--data-dir")
        .argument(other.path())
        .start();
    assert_eq!(serving.context, "/from/flag");
    assert!(other.path().join(DATABASE).exists());
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let home = home();
    let serving = Launch::serve(home.path())
        .variable("REMEMBERD_SEED", "")
        .variable("REMEMBERD_CACHE_SIZE", "")
        .variable("REMEMBERD_NO_CREATE", "")
        .variable("REMEMBERD_CONTEXT_PATH", "")
        .start();
    assert_eq!(serving.context, "/crafter-profile");
    serving.stop();
    let key_file = Launch::new(&["key", "rotate", "--data-dir"])
        .argument(home.path())
        .variable("REMEMBERD_KEY_FILE", "")
        .run();
    assert!(key_file.status.success(), "{key_file:?}");
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_one_that_is_meant() {
    let home = home();
    let serving = Launch::serve(home.path())
        .variable("REMEMBERD_SEDE", DEMO_SEED)
        .variable("REMEMBERD_DRAIN_TIMOUT", "1s")
        .variable("REMEMBERD_FAVORITE_COLOR", "hunter2")
        .variable("REMEMBERD_SMTP_PASSWORD", "hunter2")
        .start();
    let log = serving.stop().stderr;
    let warnings: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("is no setting"))
        .collect();
    assert_eq!(warnings.len(), 4, "{log}");
    for (name, advice) in [
        ("REMEMBERD_SEDE", "is REMEMBERD_SEED meant?"),
        (
            "REMEMBERD_DRAIN_TIMOUT",
            "is REMEMBERD_DRAIN_TIMEOUT meant?",
        ),
        (
            "REMEMBERD_SMTP_PASSWORD",
            "a secret is in a file, which REMEMBERD_SMTP_PASSWORD_FILE names",
        ),
        (
            "REMEMBERD_FAVORITE_COLOR",
            "\"rememberd serve --help\" lists them",
        ),
    ] {
        let is_it = |line: &&str| {
            [" WARN ", name, advice]
                .iter()
                .all(|part| line.contains(part))
        };
        assert!(warnings.iter().any(is_it), "{name} in {log}");
    }
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_switch_in_the_environment_may_be_off() {
    let home = home();
    let message = Launch::serve(home.path())
        .argument("--listen=0.0.0.0:0")
        .variable("REMEMBERD_SEED", DEMO_SEED)
        .variable("REMEMBERD_ALLOW_DEMO_SECRETS", "false")
        .assert_fails();
    assert!(message.contains("--allow-demo-secrets"), "{message}");
}

#[test]
fn a_data_directory_is_used_by_one_server_at_a_time() {
    let home = home();
    let first = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let message = Launch::serve(home.path()).assert_fails();
    assert!(message.contains("in use by a server"), "{message}");
    let path = home.path().display();
    let expected = format!("rememberd: REMEMBERD_DATA_DIR={path}: it is in use by a server\n");
    assert_eq!(message, expected);
    first.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    first.stop();
    Launch::serve(home.path()).start().stop();
}

#[test]
fn an_address_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = home();
    let given = Launch::serve(home.path()).argument(format!("--listen={address}"));
    let expected = format!("rememberd: --listen {address}: Address already in use\n");
    assert_eq!(given.assert_fails(), expected);
    let set = Launch::serve(home.path()).variable("REMEMBERD_LISTEN", &address);
    let expected = format!("rememberd: REMEMBERD_LISTEN={address}: Address already in use\n");
    assert_eq!(set.assert_fails(), expected);
}

#[test]
fn the_data_is_readable_by_its_owner_only() {
    let home = home();
    let made = home.path().join("deep").join("inside");
    Launch::serve(&made).start().stop();
    assert_eq!(mode(&made), 0o700);
    let database = made.join(DATABASE);
    assert_eq!(mode(&database), 0o600);
    fs::set_permissions(&database, Permissions::from_mode(0o644)).expect("it is ours");
    Launch::serve(&made).start().stop();
    assert_eq!(mode(&database), 0o600);
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_not_changed() {
    let home = home();
    let path = home.path().join(DATABASE);
    let content = "this is not a database".repeat(1_000);
    fs::write(&path, &content).expect("a file");
    let message = Launch::serve(home.path()).assert_fails();
    let expected = format!("cannot open the database: {}: ", path.display());
    assert!(message.contains(&expected), "{message}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), content);
}

#[test]
fn a_restart_keeps_what_was_committed() {
    let home = home();
    let first = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let client = first.client(DEMO_ACCESS_TOKEN);
    let refreshed = client.refresh(LOGIN).login();
    let created = client.create(PROFILE).login();
    first.stop();
    // The seed is for an empty database: it does not restore its token.
    for launch in [
        Launch::serve(home.path()),
        Launch::serve(home.path()).seed(DEMO_SEED),
        Launch::serve(home.path()).argument("--two-phase-commit"),
    ] {
        let next = launch.start();
        let client = next.client(DEMO_ACCESS_TOKEN);
        assert_eq!(client.read(LOGIN).login(), refreshed);
        assert_eq!(client.read(&created.id).login(), created);
        assert!(token_files(&next.stop().stdout).is_empty());
    }
}

#[test]
fn two_phase_commits_are_durable() {
    let home = home();
    let launch = || Launch::serve(home.path()).argument("--two-phase-commit");
    let first = launch().seed(DEMO_SEED).start();
    let refreshed = first.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    first.stop();
    let second = launch().start();
    let client = second.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).login(), refreshed);
}

#[test]
fn the_default_data_directory_is_in_the_folder_of_the_demo_data() {
    let home = home();
    let launch = Launch::new(&["serve", "--listen=127.0.0.1:0"]);
    launch.in_directory(home.path()).start().stop();
    assert!(home.path().join("data/db").join(DATABASE).exists());
}
