//! `rememberd admin` while no server runs: it opens the database itself.

use std::fs;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use super::{admin, admin_json, assert_code, assert_exit_code, launch, socket};
use crate::support::process::{DEMO_SEED, Launch};
use crate::support::server::wait_until;

fn home_with_database() -> TempDir {
    let home = TempDir::new().expect("a temporary directory");
    let created = Launch::new(&["init", "--seed", DEMO_SEED, "--data-dir"])
        .argument(home.path())
        .run();
    assert!(created.status.success(), "{created:?}");
    home
}

#[test]
fn the_database_is_opened_and_closed_and_the_audit_log_is_on_standard_error() {
    let home = home_with_database();
    assert_eq!(admin_json(home.path(), &["stats"])["profiles"], 1);
    let ended = launch(
        home.path(),
        &[
            "access-token",
            "create",
            "--application",
            "shop",
            "--tenant",
            "default",
        ],
    )
    .run();
    assert_code(&ended, 0);
    let audited = "audit what=\"create_access_token\"";
    assert!(ended.stderr.contains(audited), "{ended:?}");
    assert!(
        ended.stderr.contains("application=\"local operator\""),
        "{ended:?}"
    );
    assert!(!socket(home.path()).exists());
    let log = Launch::serve(home.path()).start().stop().stderr;
    assert!(!log.contains("repair"), "{log}");
}

#[test]
fn a_directory_without_a_database_is_left_as_it_is() {
    let home = TempDir::new().expect("a temporary directory");
    let refused = assert_exit_code(home.path(), &["stats"], 3);
    assert!(
        refused.contains("the directory has no database"),
        "{refused}"
    );
    assert!(!refused.contains("--no-create"), "{refused}");
    assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 0);
    let help = |command: &[&str]| Launch::new(command).argument("--help").run().stdout;
    for command in [
        &["admin", "stats"][..],
        &["backup"],
        &["check"],
        &["compact"],
        &["healthcheck"],
        &["key", "rotate"],
    ] {
        let help = help(command);
        assert!(help.contains("which must be there"), "{command:?} {help}");
        assert!(!help.contains("It is created if"), "{command:?} {help}");
    }
    assert!(help(&["restore"]).contains("It is created if it is missing"));
    let missing = home.path().join("missing");
    let refused = assert_exit_code(&missing, &["stats"], 3);
    assert!(refused.contains("there is no such directory"), "{refused}");
    assert!(!missing.exists());
}

#[test]
fn the_settings_of_a_start_are_not_those_of_a_command() {
    let home = home_with_database();
    let key_file = home.path().join("rememberd.keys");
    let keys = fs::read(&key_file).expect("the key file");
    fs::remove_file(&key_file).expect("it is there");
    let ended = launch(home.path(), &["stats"])
        .variable("REMEMBERD_NEW_KEY", "true")
        .variable("REMEMBERD_SEED", "nowhere.json")
        .run();
    assert_code(&ended, 3);
    assert!(ended.stderr.contains("key 1 is missing"), "{ended:?}");
    assert!(!key_file.exists());
    fs::write(&key_file, keys).expect("it is put back");
    admin(home.path(), &["stats"]);
}

#[test]
fn a_command_line_that_is_not_valid_is_a_usage_error() {
    let home = TempDir::new().expect("a temporary directory");
    assert_exit_code(home.path(), &["no-such-command"], 2);
    assert_exit_code(home.path(), &["stats", "--timeout", "soon"], 2);
}

#[test]
fn a_signal_at_the_prompt_for_a_password_leaves_the_terminal_with_its_echo() {
    let home = home_with_database();
    let create = ["profile", "create", "ann", "--email=a@b.c", "--password"];
    for arguments in [&["profile", "set-password", "jdoe"][..], &create] {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).expect("it is ours");
        unlockpt(&controller).expect("it is ours");
        let name = ptsname(&controller, Vec::new()).expect("a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name, flags, Mode::empty()).expect("it is there");
        let has_echo = || {
            let settings = tcgetattr(&terminal).expect("its settings");
            settings.local_modes.contains(LocalModes::ECHO)
        };
        assert!(has_echo());
        let stdin = terminal.try_clone().expect("a descriptor");
        let asking = launch(home.path(), arguments).at_terminal(stdin).spawn();
        wait_until("the password is asked for", || !has_echo());
        kill_process_group(asking.id(), Signal::TERM).expect("it runs");
        let ended = asking.wait();
        assert!(ended.stderr.contains("stopped by a signal"), "{ended:?}");
        assert!(ended.stdout.contains(" echo "), "{ended:?}");
    }
}

#[test]
fn a_signal_ends_the_work_and_the_database_is_closed() {
    let home = home_with_database();
    // It reads the password from a pipe that stays open.
    let command = launch(home.path(), &["profile", "set-password", "jdoe"]);
    let asking = command.stdin(Stdio::piped()).spawn();
    let tasks = format!("/proc/{}/task", asking.id().as_raw_nonzero());
    wait_until("signals are caught", || {
        let tasks = fs::read_dir(&tasks).expect("it runs").flatten();
        let mut names = tasks.map(|task| fs::read_to_string(task.path().join("comm")));
        names.any(|name| name.is_ok_and(|name| name == "signals\n"))
    });
    asking.signal(Signal::TERM);
    let ended = asking.wait();
    assert_code(&ended, 1);
    assert!(ended.stderr.contains("stopped by a signal"), "{ended:?}");
    let log = Launch::serve(home.path()).start().stop().stderr;
    assert!(!log.contains("repair"), "{log}");
}
