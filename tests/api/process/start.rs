//! The real binary: a start that meets an error which passes, or one which stays.

use std::fs::{self, File};

use rustix::process::Signal;

use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};

/// The log line of an attempt that failed.
const RETRYING: &str = "opening the database failed; retrying";

/// A data directory with the demo data, and its database file, locked as by a program that makes a copy.
fn locked() -> (tempfile::TempDir, File) {
    let home = tempfile::tempdir().expect("a temporary directory");
    Launch::serve(home.path()).seed(DEMO_SEED).start().stop();
    let file = File::options()
        .read(true)
        .write(true)
        .open(home.path().join("rememberd.redb"));
    let file = file.expect("it is there");
    file.try_lock().expect("nobody has locked it");
    (home, file)
}

#[test]
fn a_start_goes_on_once_a_busy_file_is_free() {
    let (home, file) = locked();
    let mut starting = Launch::serve(home.path())
        .argument("--start-retry=1h")
        .spawn();
    let line = starting.wait_for_log(RETRYING);
    let path = home.path().join("rememberd.redb");
    assert!(line.contains(&*path.to_string_lossy()), "{line}");
    file.unlock().expect("it was locked");
    let serving = starting.into_serving();
    let read = serving.client(DEMO_ACCESS_TOKEN).read(LOGIN).login();
    assert_eq!(read.id, LOGIN);
    let log = serving.stop().stderr;
    assert_eq!(log.matches(RETRYING).count(), 1, "{log}");
}

#[test]
fn a_signal_ends_a_start_that_is_retried() {
    let (home, _file) = locked();
    for signal in [Signal::TERM, Signal::INT] {
        let mut starting = Launch::serve(home.path())
            .argument("--start-retry=1h")
            .spawn();
        starting.wait_for_log(RETRYING);
        starting.signal(signal);
        let ended = starting.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}

#[test]
fn a_start_for_which_there_is_no_room_says_so_and_nothing_of_damage() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    // So that the next start writes.
    serving.signal(Signal::KILL);
    serving.wait();
    // A limit of the shell stands for the disk.
    let launch = Launch::serve(home.path()).argument("--start-retry=0s");
    let message = launch.limited("ulimit -f 1").assert_fails();
    assert!(message.contains("File too large"), "{message}");
    assert!(message.contains("free space on its disk"), "{message}");
    assert!(!message.contains("salvage"), "{message}");
}

#[test]
fn a_file_that_stays_busy_or_is_damaged_is_refused_with_its_name_and_what_to_do() {
    let (home, file) = locked();
    let path = home.path().join("rememberd.redb");
    let refused = || {
        let serve = Launch::serve(home.path());
        serve.argument("--start-retry=100ms").assert_fails()
    };
    let locked = "rememberd.redb: another process uses it";
    let message = refused();
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    assert!(message.contains(locked), "{message}");
    assert!(!message.contains("salvage"), "{message}");
    let checked = Launch::new(&["check"]).argument(&path).run();
    assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    assert!(checked.stderr.contains(locked), "{checked:?}");
    let assert_refused = || {
        let message = refused();
        for expected in [
            &*path.to_string_lossy(),
            &format!("rememberd check --data-dir {}", home.path().display()),
            &format!("rememberd salvage {}", home.path().display()),
        ] {
            assert!(message.contains(expected), "{message}");
        }
    };
    drop(file);
    let bytes = fs::read(&path).expect("it is there");
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("it is written");
    assert_refused();
}
