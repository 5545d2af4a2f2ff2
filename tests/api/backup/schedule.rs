//! Backups by schedule.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};

fn launch(home: &Path, directory: &Path) -> Launch {
    Launch::serve(&home.join("data"))
        .seed(DEMO_SEED)
        .argument("--backup-dir")
        .argument(directory)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn backups_are_made_at_each_interval_and_the_newest_are_kept() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    fs::write(directory.join("mine"), []).expect("it is written");
    let mut serving = launch(home.path(), &directory)
        .argument("--backup-interval=1s")
        .argument("--backup-keep=2")
        .start();
    let audited = serving.wait_for_log("audit what=\"backup\"");
    assert!(audited.contains("/backups/rememberd-"), "{audited}");
    assert!(!audited.contains("application="), "{audited}");
    serving.wait_for_log("a backup was made");
    serving.wait_for_log("old backups were removed");
    serving.wait_for_log("old backups were removed");
    serving.stop();
    let files = files(&directory);
    let backups: Vec<_> = files
        .iter()
        .filter(|path| !path.ends_with("mine"))
        .collect();
    assert!((2..=3).contains(&backups.len()), "{files:?}");
    assert_eq!(files.len(), backups.len() + 1, "{files:?}");
    for path in backups {
        let checked = Launch::new(&["check"]).argument(path).run();
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    }
}

#[test]
fn after_a_restart_the_newest_backup_says_when_the_next_one_is_due() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    let mut serving = launch(home.path(), &directory).start();
    serving.wait_for_log("a backup was made");
    serving.stop();
    let made = files(&directory);
    assert_eq!(made.len(), 1, "{made:?}");
    let serving = launch(home.path(), &directory).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    // The job has looked once it knows of the backup.
    while !client.get("/health/ready").body.contains(r#""lastGood":""#) {
        std::thread::yield_now();
    }
    serving.stop();
    assert_eq!(files(&directory), made);
}

#[test]
fn backups_of_other_databases_are_neither_counted_nor_removed() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    let data_dir = home.path().join("data");
    let mut serving = launch(home.path(), &directory).start();
    serving.wait_for_log("a backup was made");
    serving.stop();
    let first = files(&directory);
    assert_eq!(first.len(), 1, "{first:?}");
    let begin = |home: &Path| launch(home, &directory).argument("--backup-keep=1");
    let mut elsewhere = begin(&home.path().join("elsewhere")).start();
    elsewhere.wait_for_log("a backup was made");
    elsewhere.stop();
    // Another database in the same place.
    fs::rename(&data_dir, home.path().join("former")).expect("it is moved");
    let mut anew = begin(home.path()).argument("--backup-interval=1s").start();
    anew.wait_for_log("a backup was made");
    anew.wait_for_log("old backups were removed");
    anew.stop();
    assert!(first[0].exists(), "{:?}", files(&directory));
}

#[test]
fn a_backup_of_a_clock_that_was_wrong_is_not_the_newest_one() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    let future = directory.join("rememberd-20990101T000000Z.redb");
    fs::write(&future, []).expect("it is written");
    let mut serving = launch(home.path(), &directory).start();
    serving.wait_for_log("a backup was made");
    serving.stop();
    let made = files(&directory);
    assert_eq!(made.len(), 2, "{made:?}");
    let serving = launch(home.path(), &directory)
        .argument("--backup-keep=1")
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let last_good = || {
        let ready = client.get("/health/ready").body;
        ready
            .split_once(r#""lastGood":""#)
            .map(|(_, rest)| rest.to_owned())
    };
    // The job has looked once it knows of a backup.
    let last_good = loop {
        match last_good() {
            Some(last_good) => break last_good,
            None => std::thread::yield_now(),
        }
    };
    assert!(!last_good.contains("2099"), "{last_good}");
    serving.stop();
    assert_eq!(files(&directory), made);
}

#[test]
fn what_killed_backups_left_is_removed_unless_it_is_being_written() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    let [left, written, other] = [
        "rememberd-20260101T000000Z.redb.unfinished",
        "rememberd-20260102T000000Z.redb.unfinished",
        "mine.redb.unfinished",
    ]
    .map(|name| directory.join(name));
    fs::write(&left, "left").expect("it is written");
    fs::write(&other, "other").expect("it is written");
    let writer = File::create(&written).expect("it is created");
    writer.try_lock().expect("nobody else has it");
    let mut serving = launch(home.path(), &directory).start();
    serving.wait_for_log("a backup was made");
    serving.stop();
    assert!(!left.exists() && written.exists() && other.exists());
    assert_eq!(files(&directory).len(), 3);
}

#[test]
fn a_directory_that_is_missing_is_found_by_the_check_and_stops_no_server() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    let expected = format!(
        "--backup-dir {}: there is no such directory: is its disk mounted?",
        directory.display()
    );
    let mut serving = launch(home.path(), &directory).start();
    let line = serving.wait_for_log("a backup failed");
    assert!(line.contains(&*directory.to_string_lossy()), "{line}");
    serving.stop();
    let checked = Launch::new(&["config", "--check", "--backup-dir"])
        .argument(&directory)
        .run();
    assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    assert!(checked.stderr.contains(&expected), "{checked:?}");
}

#[test]
fn a_backup_that_fails_is_a_warning_and_nothing_else() {
    let home = TempDir::new().expect("a temporary directory");
    let directory = home.path().join("backups");
    fs::create_dir(&directory).expect("it is created");
    let mut serving = launch(home.path(), &directory)
        .argument("--backup-interval=1s")
        .start();
    serving.wait_for_log("a backup was made");
    let moved = home.path().join("moved");
    fs::rename(&directory, &moved).expect("it is moved");
    let line = serving.wait_for_log("a backup failed");
    let failed = directory.display().to_string();
    assert!(line.contains(&failed), "{line}");
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.get("/health/ready").status, 200);
    serving.stop();
}
