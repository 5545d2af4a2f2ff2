//! The real binary whose files are removed, moved or replaced while it runs.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::server::wait_until;

/// In the log line of each case.
const NOTICED: &str = "while the server was running";

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn elsewhere(&self) -> PathBuf {
        self.0.path().join("elsewhere")
    }

    fn database(&self) -> PathBuf {
        self.data().join("rememberd.redb")
    }

    fn launch(&self) -> Launch {
        Launch::serve(&self.data()).seed(DEMO_SEED)
    }
}

fn refresh(serving: &Serving) -> String {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client.refresh(LOGIN).login().token
}

/// Asserts that the server notices it, and refuses whatever needs the database. Returns the log line.
#[track_caller]
fn assert_noticed(serving: &mut Serving) -> String {
    let line = serving.wait_for_log(NOTICED);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    wait_until("it is not ready", || {
        client.get("/health/ready").status == 503
    });
    let ready = client.get("/health/ready").body;
    assert!(ready.contains("\"reason\":\"storage\""), "{ready}");
    for response in [client.read(LOGIN), client.refresh(LOGIN)] {
        assert_eq!(response.status, 503);
    }
    line
}

/// Asserts that the server serves again, with the token that was returned last, and stops cleanly.
#[track_caller]
fn assert_serves_again(serving: Serving, token: &str) {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    wait_until("it is ready", || client.get("/health/ready").status == 200);
    client.refresh_with(LOGIN, token).login();
    let log = serving.stop().stderr;
    assert_eq!(log.matches(NOTICED).count(), 1, "{log}");
}

#[test]
fn a_data_directory_that_is_moved_is_served_again_once_it_is_back() {
    let home = Home::new();
    let mut serving = home.launch().start();
    let token = refresh(&serving);
    fs::rename(home.data(), home.elsewhere()).expect("it is moved");
    let line = assert_noticed(&mut serving);
    assert!(line.contains(&*home.database().to_string_lossy()), "{line}");
    fs::rename(home.elsewhere(), home.data()).expect("it is moved back");
    assert_serves_again(serving, &token);
}

#[test]
fn a_database_that_is_removed_can_be_copied_back_and_the_exit_reports_it() {
    let home = Home::new();
    let mut serving = home.launch().start();
    let token = refresh(&serving);
    fs::remove_file(home.database()).expect("it was there");
    let line = assert_noticed(&mut serving);
    let (_, content) = line.split_once("/proc/").expect("the line has a path");
    let (content, _) = content.split_once(':').expect("the path ends");
    let content = format!("/proc/{content}");
    fs::copy(content, home.elsewhere()).expect("it is there");
    serving.signal(Signal::TERM);
    let ended = serving.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().expect("a log");
    assert!(last.contains("it was removed while"), "{last}");
    home.launch().assert_fails();
    fs::rename(home.elsewhere(), home.database()).expect("it is moved");
    let serving = home.launch().start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client.refresh_with(LOGIN, &token).login();
}

#[test]
fn a_data_directory_that_was_removed_a_moment_before_a_stop_is_reported() {
    let home = Home::new();
    let serving = home.launch().start();
    fs::remove_dir_all(home.data()).expect("it was there");
    serving.signal(Signal::TERM);
    let ended = serving.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("it was removed while"), "{ended:?}");
    assert!(!home.data().exists());
}

#[test]
fn a_database_that_is_replaced_is_not_served_before_a_restart() {
    let home = Home::new();
    home.launch().start().stop();
    fs::copy(home.database(), home.elsewhere()).expect("it is copied");
    let mut serving = home.launch().start();
    refresh(&serving);
    fs::rename(home.elsewhere(), home.database()).expect("it is replaced");
    let line = assert_noticed(&mut serving);
    assert!(line.contains("restart the server"), "{line}");
    serving.signal(Signal::TERM);
    assert_eq!(serving.wait().status.code(), Some(1));
    refresh(&home.launch().start());
}

#[test]
fn a_database_that_is_overwritten_or_cut_is_left_as_it_is() {
    let home = Home::new();
    home.launch().start().stop();
    let backup = fs::read(home.database()).expect("it is there");
    for is_cut in [false, true] {
        let mut serving = home.launch().start();
        refresh(&serving);
        serving.client(DEMO_ACCESS_TOKEN).create(PROFILE);
        // Neither replaces the file, as `cp` does not.
        let found = if is_cut { &[][..] } else { &backup };
        fs::write(home.database(), found).expect("it is overwritten");
        let line = assert_noticed(&mut serving);
        assert!(line.contains("it was overwritten while"), "{line}");
        serving.signal(Signal::TERM);
        assert_eq!(serving.wait().status.code(), Some(1));
        assert!(fs::read(home.database()).is_ok_and(|bytes| bytes == found));
        fs::write(home.database(), &backup).expect("it is restored");
        refresh(&home.launch().start());
    }
}

#[test]
fn a_key_file_that_is_moved_is_missed_and_used_again_once_it_is_back() {
    let home = Home::new();
    let mut serving = home.launch().start();
    let token = refresh(&serving);
    let keys = home.data().join("rememberd.keys");
    fs::rename(&keys, home.elsewhere()).expect("it is moved");
    let line = assert_noticed(&mut serving);
    assert!(line.contains(&*keys.to_string_lossy()), "{line}");
    fs::rename(home.elsewhere(), keys).expect("it is moved back");
    assert_serves_again(serving, &token);
}
