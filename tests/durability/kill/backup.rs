//! `rememberd backup`, `restore` and `compact`, killed with SIGKILL at random moments: what was there before or what is
//! to be there is whole, and the command can be run again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kill::spin;
use crate::support::{self, process};

/// The number of times that each command is killed.
const ROUNDS: usize = 40;

/// How many logins the database has that is backed up, and the one that is replaced by it.
const LOGINS: [usize; 2] = [900, 40];

struct Case {
    home: TempDir,
    random: StdRng,
    rounds: usize,
}

impl Case {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().expect("a temporary directory"),
            random: support::random(support::test_seed()),
            rounds: support::size("REMEMBERD_TEST_ROUNDS", ROUNDS),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A database with so many logins, whose server was killed.
    fn database(&self, name: &str, logins: usize) -> PathBuf {
        let directory = self.path(name);
        let seed = self.path(&format!("{name}.json"));
        fs::write(&seed, seed_with_logins(logins)).expect("it is written");
        serve(&directory, &seed);
        directory
    }

    /// Runs the command again and again, kills it, and calls `assert` afterwards. Before each time, `prepare` is
    /// called.
    fn kill_often(&mut self, arguments: &[&str], prepare: impl Fn(), assert: impl Fn()) {
        prepare();
        let began = Instant::now();
        assert_succeeds(arguments);
        let duration = began.elapsed();
        assert();
        let mut killed = 0;
        for _ in 0..self.rounds {
            prepare();
            let mut running = command(arguments).spawn().expect("it starts");
            spin(duration.mul_f64(self.random.random()));
            running.kill().expect("it was started");
            let status = running.wait().expect("it was started");
            killed += usize::from(!status.success());
            assert();
        }
        assert!(killed > self.rounds / 4, "{killed} were killed");
        prepare();
        assert_succeeds(arguments);
        assert();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("it starts")
}

#[track_caller]
fn assert_succeeds(arguments: &[&str]) -> String {
    let ended = run(arguments);
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    String::from_utf8(ended.stdout).expect("it is text")
}

/// How many logins the database at `path` has, in which nothing is wrong.
#[track_caller]
fn logins(path: &Path) -> usize {
    let text = assert_succeeds(&["check", text(path)]);
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("persistent_login "));
    let count = line.and_then(|line| line.split_whitespace().next());
    let count = count.unwrap_or_else(|| panic!("{text}"));
    count.parse().expect("it is a number")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is text")
}

#[test]
fn a_backup_is_complete_or_not_there() {
    let mut case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let file = case.path("backup.redb");
    let source = || fs::read(database.join("rememberd.redb")).expect("it is there");
    let before = source();
    let arguments = ["backup", text(&file), "--data-dir", text(&database)];
    let prepare = || {
        // It may not have been made.
        let _ = fs::remove_file(&file);
    };
    case.kill_often(&arguments, prepare, || {
        assert!(source() == before, "the database was changed");
        if file.exists() {
            assert_eq!(logins(&file), LOGINS[0]);
        }
    });
    let arguments = [&arguments[..], &["--force"]].concat();
    case.kill_often(&arguments, || {}, || assert_eq!(logins(&file), LOGINS[0]));
}

#[test]
fn a_restore_leaves_the_former_database_or_the_new_one() {
    let mut case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let former = case.database("former", LOGINS[1]);
    let file = case.path("backup.redb");
    assert_succeeds(&["backup", text(&file), "--data-dir", text(&database)]);
    let target = case.path("target");
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        copy_directory(&former, &target);
    };
    let arguments = ["restore", text(&file), "--data-dir", text(&target)];
    case.kill_often(&arguments, prepare, || {
        let found = opened(&target);
        assert!(LOGINS.contains(&found), "{found} logins");
        // The former database is there, under its name or another one.
        let entries = fs::read_dir(&target).expect("a directory");
        let names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        if found == LOGINS[0] {
            let is_kept = |name: &&String| name.starts_with("rememberd.redb.2");
            let kept = names.iter().find(is_kept);
            let kept = kept.unwrap_or_else(|| panic!("{names:?}"));
            let bytes = fs::read(target.join(kept)).expect("it is there");
            let original = fs::read(former.join("rememberd.redb")).expect("it is there");
            assert!(bytes == original, "{names:?}");
        }
    });
    let arguments = ["restore", text(&file), "--data-dir", text(&target)];
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
    };
    case.kill_often(&arguments, prepare, || {
        if target.join("rememberd.redb").exists() {
            assert_eq!(opened(&target), LOGINS[0]);
        } else if target.join("rememberd.redb.unfinished").exists() {
            // A new, empty database in its place would look like a restored one.
            assert!(target.join("rememberd.marker").exists() || is_short(&target));
        }
    });
}

#[test]
fn a_compacted_database_is_the_former_one_or_the_same_in_less_space() {
    let mut case = Case::new();
    let database = case.database("data", LOGINS[0]);
    let target = case.path("target");
    let prepare = || {
        let _ = fs::remove_dir_all(&target);
        copy_directory(&database, &target);
    };
    let arguments = ["compact", "--data-dir", text(&target)];
    case.kill_often(&arguments, prepare, || {
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

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("it is created");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("it has a name");
            fs::copy(&path, to.join(name)).expect("it is copied");
        }
    }
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
