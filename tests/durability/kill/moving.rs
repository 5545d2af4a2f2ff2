//! An import and the load of a seed file, killed at each step: the next import completes the first one, and of a seed
//! file there is all or nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kill::steps::{self, copy_directory, kill_at_each_step, run};

/// How many profiles there are, each with a login.
const PROFILES: usize = 60;

/// How long an attribute of each profile is, so that all of them take several transactions.
const TEXT_BYTES: usize = 150_000;

/// At how many calls of the same kind each command is killed.
const OF_A_KIND_MAX: usize = 2;

fn command(arguments: &[&str], data: &Path) -> Command {
    let mut command = steps::command(arguments);
    command
        .arg("--data-dir")
        .arg(data)
        .env("REMEMBERD_PERSISTENT_LOGIN_MAX_AGE", "90years");
    command
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
fn count(data: &Path) -> [usize; 2] {
    let checked = run(command(&["check"], data));
    ["profile", "persistent_login"].map(|table| steps::entries(&checked, table))
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let home = home();
    let files = lists().map(|(name, documents)| {
        let path = home.path().join(format!("{name}.json"));
        let lines: Vec<_> = documents.iter().map(Value::to_string).collect();
        fs::write(&path, lines.join("\n")).expect("it is written");
        path
    });
    let [empty, data] = ["empty", "data"].map(|name| home.path().join(name));
    run(command(&["init"], &empty));
    let import = || {
        let mut import = command(&["import"], &data);
        import.args(&files);
        import
    };
    let prepare = || {
        let _ = fs::remove_dir_all(&data);
        copy_directory(&empty, &data);
    };
    kill_at_each_step(OF_A_KIND_MAX, import, prepare, || {
        let [profiles, logins] = count(&data);
        assert!(profiles <= PROFILES && logins <= profiles);
        run(import());
        assert_eq!(count(&data), [PROFILES; 2]);
    });
}

#[test]
fn a_seed_file_whose_load_is_killed_is_loaded_anew_and_never_served_half() {
    let home = home();
    let seed_file = home.path().join("seed.json");
    let seed: Value = lists()
        .map(|(name, list)| (name.to_owned(), json!(list)))
        .into_iter()
        .collect();
    fs::write(&seed_file, seed.to_string()).expect("it is written");
    let data = home.path().join("data");
    let init = || {
        let mut init = command(&["init"], &data);
        init.arg("--seed").arg(&seed_file);
        init
    };
    let prepare = || {
        let _ = fs::remove_dir_all(&data);
    };
    kill_at_each_step(OF_A_KIND_MAX, init, prepare, || {
        if !data.join("rememberd.redb").exists() {
            run(init());
        }
        assert_eq!(count(&data), [PROFILES; 2]);
    });
}
