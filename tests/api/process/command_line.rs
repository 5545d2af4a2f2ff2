//! The real binary: its help, its settings, its data directory.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};

const DATABASE: &str = "rememberd.redb";

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("the path exists");
    metadata.permissions().mode() & 0o777
}

#[test]
fn help_tells_each_flag_with_its_variable_and_its_default() {
    const WITHOUT_DEFAULT: [&str; 7] = [
        "--seed",
        "--allow-demo-secrets",
        "--persistent-login-idle-max",
        "--logins-per-profile-max",
        "--journal-target",
        "--worker-threads",
        "--two-phase-commit",
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
fn the_top_level_help_and_version_are_told() {
    let help = Launch::new(&["--help"]).run();
    assert!(help.status.success() && help.stdout.contains("serve"));
    let version = Launch::new(&["--version"]).run();
    let expected = format!("rememberd {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(version.stdout, expected);
}

#[test]
fn a_senseless_value_is_refused_by_the_name_of_its_flag() {
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
        for launch in [
            Launch::serve(home.path()).argument(argument),
            Launch::serve(home.path()).variable(&variable, value),
        ] {
            let complaint = launch.complaint();
            let expected = format!("invalid value '{value}' for '{flag} <");
            assert!(complaint.contains(&expected), "{complaint}");
        }
    }
    assert!(!home.path().join(DATABASE).exists());
}

#[test]
fn what_is_no_flag_or_no_command_is_refused() {
    let home = home();
    let complaint = Launch::serve(home.path()).argument("--fast").complaint();
    assert!(complaint.contains("--fast"), "{complaint}");
    Launch::new(&[]).complaint();
    Launch::new(&["dance"]).complaint();
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
    let answer = serving.client("").get("/from/variable/health/ready");
    assert_eq!(answer.status, 200);
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
fn a_switch_in_the_environment_may_be_off() {
    let home = home();
    let complaint = Launch::serve(home.path())
        .argument("--listen=0.0.0.0:0")
        .variable("REMEMBERD_SEED", DEMO_SEED)
        .variable("REMEMBERD_ALLOW_DEMO_SECRETS", "false")
        .complaint();
    assert!(complaint.contains("--allow-demo-secrets"), "{complaint}");
}

#[test]
fn a_data_directory_serves_one_server() {
    let home = home();
    let first = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let complaint = Launch::serve(home.path()).complaint();
    assert!(
        complaint.contains("in use by another server"),
        "{complaint}"
    );
    let path = home.path().display().to_string();
    assert!(complaint.contains(&path), "{complaint}");
    first.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    first.stop();
    Launch::serve(home.path()).start().stop();
}

#[test]
fn a_taken_port_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = home();
    let complaint = Launch::serve(home.path())
        .argument(format!("--listen={address}"))
        .complaint();
    assert!(complaint.contains(&format!("--listen {address}")));
}

#[test]
fn the_data_is_for_its_owner_alone() {
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
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let home = home();
    let path = home.path().join(DATABASE);
    let content = "this is no database".repeat(1_000);
    fs::write(&path, &content).expect("a file");
    let complaint = Launch::serve(home.path()).complaint();
    assert!(complaint.contains(DATABASE), "{complaint}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), content);
}

#[test]
fn a_first_start_makes_an_access_token_and_shows_it_once() {
    let home = home();
    let first = Launch::serve(home.path()).start();
    let id = first.shown_id().expect("an id").to_owned();
    // The caller is let in: what is missing is the profile.
    let answer = first.client(&id).create(PROFILE);
    let message = format!("No profile with ID \"{PROFILE}\" found");
    answer.assert_error(404, "NO_SUCH_PROFILE", &message);
    let log = first.stop().stderr;
    assert!(!log.contains(&id), "{log}");

    let second = Launch::serve(home.path()).start();
    assert_eq!(second.shown_id(), None);
    let answer = second.client(&id).create(PROFILE);
    answer.assert_error(404, "NO_SUCH_PROFILE", &message);
}

#[test]
fn no_two_databases_begin_with_the_same_access_token() {
    let (one, two) = (home(), home());
    let one = Launch::serve(one.path()).start();
    let two = Launch::serve(two.path()).start();
    assert_ne!(one.shown_id(), two.shown_id());
}

#[test]
fn a_restart_keeps_what_was_answered() {
    let home = home();
    let first = Launch::serve(home.path()).seed(DEMO_SEED).start();
    let client = first.client(DEMO_ACCESS_TOKEN);
    let refreshed = client.refresh(LOGIN).login();
    let created = client.create(PROFILE).login();
    first.stop();
    // The seed is for an empty database: it does not bring its token back.
    for launch in [
        Launch::serve(home.path()),
        Launch::serve(home.path()).seed(DEMO_SEED),
        Launch::serve(home.path()).argument("--two-phase-commit"),
    ] {
        let next = launch.start();
        let client = next.client(DEMO_ACCESS_TOKEN);
        assert_eq!(client.read(LOGIN).login(), refreshed);
        assert_eq!(client.read(&created.id).login(), created);
        assert_eq!(next.shown_id(), None);
        next.stop();
    }
}

#[test]
fn commits_in_two_phases_are_kept() {
    let home = home();
    let launch = || Launch::serve(home.path()).argument("--two-phase-commit");
    let first = launch().seed(DEMO_SEED).start();
    let refreshed = first.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    first.stop();
    let second = launch().start();
    let client = second.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).login(), refreshed);
}
