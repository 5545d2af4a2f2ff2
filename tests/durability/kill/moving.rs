//! An import and the load of a seed file, killed at random moments: the next import completes the first one, and of a
//! seed file there is all or nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support;

/// The number of kills.
const ROUNDS: usize = 5;

/// How many profiles there are, each with a login.
const PROFILES: usize = 60;

/// How long an attribute of each profile is, so that all of them take several transactions.
const TEXT_BYTES: usize = 150_000;

fn command(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env_clear()
        .env("REMEMBERD_PERSISTENT_LOGIN_MAX_AGE", "90years")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[track_caller]
fn run(mut command: Command) -> Output {
    let output = command.output().expect("the executable is there");
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// Runs a command for so long and kills it, unless it has ended by then.
fn kill_after(mut command: Command, delay: Duration) {
    let mut process = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    thread::sleep(delay);
    // Sends SIGKILL. Fails only if the process has ended already.
    let _ = process.kill();
    process.wait().expect("it is ours");
}

fn lists() -> [(&'static str, Vec<Value>); 3] {
    let text = "x".repeat(TEXT_BYTES);
    let id = |number: usize| format!("5925a68def86951f89{number:06x}");
    let uuid = |number: usize| format!("b68c0013-d7b2-4004-8463-{number:012x}");
    let profile = |number: usize| {
        json!({"_id": id(number), "username": id(number), "enabled": true, "tenant": "default",
               "createdOn": 1, "lastModified": 1, "attributes": {"text": text}})
    };
    let login = |number: usize| {
        json!({"_id": uuid(number), "profileId": id(number), "tenant": "default", "token": uuid(number),
               "timestamp": 1_700_000_000_000_i64})
    };
    [
        (
            "tenant",
            vec![json!({"name": "default", "_id": id(PROFILES)})],
        ),
        ("profile", (0..PROFILES).map(profile).collect()),
        ("persistentlogin", (0..PROFILES).map(login).collect()),
    ]
}

/// How many profiles and logins the database has, all of whose entries agree.
fn count(data: &Path, target: &Path) -> [usize; 2] {
    run(command(&["check"], data));
    let mut export = command(&["export"], data);
    export.arg(target);
    run(export);
    ["profile", "persistentlogin"].map(|name| {
        let lines = fs::read_to_string(target.join(format!("{name}.json")));
        lines.expect("it was exported").lines().count()
    })
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let mut random = support::random(support::test_seed());
    let home = home();
    let files = lists().map(|(name, documents)| {
        let path = home.path().join(format!("{name}.json"));
        let lines: Vec<_> = documents.iter().map(Value::to_string).collect();
        fs::write(&path, lines.join("\n")).expect("it is written");
        path
    });
    let import = |data: &Path, files: &[PathBuf]| {
        let mut import = command(&["import"], data);
        import.args(files);
        import
    };
    let measured = home.path().join("measured");
    run(command(&["init"], &measured));
    let began = Instant::now();
    run(import(&measured, &files));
    let whole = began.elapsed();
    let data = home.path().join("data");
    run(command(&["init"], &data));
    for round in 0..support::size("REMEMBERD_TEST_ROUNDS", ROUNDS) {
        kill_after(
            import(&data, &files),
            random.random_range(Duration::ZERO..whole),
        );
        let [profiles, logins] = count(&data, &home.path().join(format!("after-{round}")));
        assert!(profiles <= PROFILES && logins <= profiles);
    }
    run(import(&data, &files));
    assert_eq!(count(&data, &home.path().join("complete")), [PROFILES; 2]);
}

#[test]
fn a_seed_file_whose_load_is_killed_is_loaded_anew_and_never_served_half() {
    let mut random = support::random(support::test_seed());
    let home = home();
    let seed_file = home.path().join("seed.json");
    let seed: Value = lists()
        .map(|(name, list)| (name.to_owned(), json!(list)))
        .into_iter()
        .collect();
    fs::write(&seed_file, seed.to_string()).expect("it is written");
    let init = |data: &Path| {
        let mut init = command(&["init"], data);
        init.arg("--seed").arg(&seed_file);
        init
    };
    let began = Instant::now();
    run(init(&home.path().join("measured")));
    let whole = began.elapsed();
    let data = home.path().join("data");
    for round in 0..support::size("REMEMBERD_TEST_ROUNDS", ROUNDS) {
        kill_after(init(&data), random.random_range(Duration::ZERO..whole));
        if data.join("rememberd.redb").exists() {
            let target = home.path().join(format!("after-{round}"));
            assert_eq!(count(&data, &target), [PROFILES; 2]);
            fs::remove_dir_all(&data).expect("it is there");
        }
    }
    run(init(&data));
    assert_eq!(count(&data, &home.path().join("complete")), [PROFILES; 2]);
}
