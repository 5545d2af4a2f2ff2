//! `rememberd backup`, `restore` and `compact`, killed at each step: what was there before or what is to be there is
//! whole, and the command can be run again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kill::steps::{command, copy_directory, entries, kill_at_each_step, run};
use crate::support::{self, process};

/// How many logins the database has that is backed up, and the one that is replaced by it.
const LOGINS: [usize; 2] = [90, 40];

/// At how many calls of the same kind each command is killed.
const OF_A_KIND_MAX: usize = 12;

struct Case(TempDir);

impl Case {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A database with so many logins, whose server was killed.
    fn database(&self, name: &str, logins: usize) -> PathBuf {
        let directory = self.path(name);
        let seed = self.path(&format!("{name}.json"));
        fs::write(&seed, seed_with_logins(logins)).expect("it is written");
        serve(&directory, &seed);
        directory
    }
}

/// How many logins the database at `path` has, in which nothing is wrong.
#[track_caller]
fn logins(path: &Path) -> usize {
    let checked = run(command(["check", text(path)]));
    entries(&checked, "persistent_login")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is text")
}

#[test]
fn a_backup_is_complete_or_not_there() {
    let case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let file = case.path("backup.redb");
    let source = || fs::read(database.join("rememberd.redb")).expect("it is there");
    let before = source();
    let arguments = ["backup", text(&file), "--data-dir", text(&database)];
    let prepare = || {
        // It may not have been made.
        let _ = fs::remove_file(&file);
    };
    kill_at_each_step(
        OF_A_KIND_MAX,
        || command(arguments),
        prepare,
        || {
            assert!(source() == before, "the database was changed");
            if file.exists() {
                assert_eq!(logins(&file), LOGINS[0]);
            }
        },
    );
    // What the killed ones left does not matter.
    prepare();
    run(command(arguments));
    let replace = || command([&arguments[..], &["--force"]].concat());
    kill_at_each_step(
        OF_A_KIND_MAX,
        replace,
        || {},
        || assert_eq!(logins(&file), LOGINS[0]),
    );
}

#[test]
fn a_restore_leaves_the_former_database_or_the_new_one() {
    let case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let former = case.database("former", LOGINS[1]);
    let original = fs::read(former.join("rememberd.redb")).expect("it is there");
    let file = case.path("backup.redb");
    run(command([
        "backup",
        text(&file),
        "--data-dir",
        text(&database),
    ]));
    let target = case.path("target");
    let arguments = ["restore", text(&file), "--data-dir", text(&target)];
    let restores_again = || {
        run(command(arguments));
        assert_eq!(opened(&target), LOGINS[0]);
    };
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        copy_directory(&former, &target);
    };
    kill_at_each_step(
        OF_A_KIND_MAX,
        || command(arguments),
        prepare,
        || {
            // The former database is there, under its name or another one.
            let entries = fs::read_dir(&target).expect("a directory");
            let mut paths = entries.map(|entry| entry.expect("an entry").path());
            assert!(paths.any(|path| fs::read(path).is_ok_and(|bytes| bytes == original)));
            let found = opened(&target);
            assert!(LOGINS.contains(&found), "{found} logins");
            restores_again();
        },
    );
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
    };
    kill_at_each_step(
        OF_A_KIND_MAX,
        || command(arguments),
        prepare,
        || {
            if target.join("rememberd.redb").exists() {
                assert_eq!(opened(&target), LOGINS[0]);
            } else if target.join("rememberd.redb.unfinished").exists() {
                // A new, empty database in its place would look like a restored one.
                assert!(target.join("rememberd.marker").exists() || is_short(&target));
            }
            restores_again();
        },
    );
}

#[test]
fn a_compacted_database_is_the_former_one_or_the_same_in_less_space() {
    let case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let target = case.path("target");
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        copy_directory(&database, &target);
    };
    let compact = || command(["compact", "--data-dir", text(&target)]);
    kill_at_each_step(OF_A_KIND_MAX, compact, prepare, || {
        assert_eq!(opened(&target), LOGINS[0]);
        run(compact());
        assert_eq!(opened(&target), LOGINS[0]);
    });
}

/// Whether the copy has hardly begun.
fn is_short(directory: &Path) -> bool {
    let unfinished = fs::metadata(directory.join("rememberd.redb.unfinished"));
    unfinished.is_ok_and(|metadata| metadata.len() == 0)
}

/// How many logins are in the directory, on which a server starts.
fn opened(directory: &Path) -> usize {
    serve(directory, Path::new(support::DEMO_FILE));
    logins(directory)
}

/// Starts a server, and kills it.
fn serve(directory: &Path, seed: &Path) {
    let mut server = process::command(seed, directory)
        .arg("--logins-per-profile-max=1000")
        .spawn()
        .expect("the executable is there");
    process::address(&mut server);
    server.kill().expect("it was started");
    server.wait().expect("it was started");
}

/// The example data with so many logins.
fn seed_with_logins(count: usize) -> String {
    let demo = fs::read(support::DEMO_FILE).expect("it is part of the repository");
    let mut seed: Value = serde_json::from_slice(&demo).expect("it is JSON");
    let logins = (0..count).map(|number| {
        json!({
            "_id": format!("00000000-0000-4000-8000-{number:012}"),
            "tenant": "default",
            "profileId": support::DEMO_PROFILE,
            "token": format!("10000000-0000-4000-8000-{number:012}"),
        })
    });
    seed["persistentlogin"] = logins.collect();
    seed.to_string()
}

const _: () = assert!(LOGINS[0] != LOGINS[1]);
