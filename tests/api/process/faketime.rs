//! The real process on a host whose clock is shifted, by libfaketime, which leaves the time since the boot alone.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rememberd::testing::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use crate::support::fixture::{self, ADMIN, LOGIN, PROFILE, TOKEN};
use crate::support::process::{Launch, Serving};
use crate::support::tools::skip;

const DAY_MILLIS: i64 = 86_400_000;

/// The library of Debian's package `libfaketime`, of whatever architecture.
///
/// # Panics
///
/// In continuous integration, if it is not installed.
fn library() -> Option<PathBuf> {
    let directories = fs::read_dir("/usr/lib").expect("a system has it");
    let library = directories
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|path| path.exists());
    if library.is_none() {
        skip("Debian's package `libfaketime`");
    }
    library
}

/// A host with a clock that can be shifted.
struct Host {
    library: PathBuf,
    home: TempDir,
}

impl Host {
    /// With its clock right, and a seed file whose logins are a day old.
    fn new(library: PathBuf) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let host = Self { library, home };
        host.shift("+0");
        let yesterday = Timestamp::from_millis(millis_now() - DAY_MILLIS);
        let mut seed = fixture::seed();
        seed["persistentlogin"] =
            json!([fixture::login(LOGIN, TOKEN, PROFILE, "default", yesterday)]);
        fs::write(host.seed(), seed.to_string()).expect("it is written");
        host
    }

    fn seed(&self) -> PathBuf {
        self.home.path().join("seed.json")
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Sets the clock this far ahead, at once.
    fn shift(&self, shift: &str) {
        let (path, new) = (self.shift_file(), self.home.path().join("new"));
        fs::write(&new, shift).expect("it is written");
        fs::rename(new, path).expect("it is renamed");
    }

    fn shift_file(&self) -> PathBuf {
        self.home.path().join("shift")
    }

    fn launch(&self) -> Launch {
        Launch::serve(&self.data())
            .seed(self.seed())
            .argument("--clock-check-interval=10ms")
            .variable("LD_PRELOAD", &self.library)
            .variable("FAKETIME_TIMESTAMP_FILE", self.shift_file())
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

fn millis_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.expect("after the epoch").as_millis();
    i64::try_from(millis).expect("it fits")
}

/// Asserts that a login that is created now has the right time.
#[track_caller]
fn assert_time_is_right(serving: &Serving) {
    let before = millis_now();
    let created = serving.client(ADMIN).create(PROFILE).login().timestamp;
    let (from, to) = (before - 2_000, millis_now() + 2_000);
    assert!((from..=to).contains(&created), "{created}: {from} – {to}");
}

#[test]
fn a_clock_that_jumps_ten_years_for_a_while_changes_nothing() {
    let Some(library) = library() else { return };
    let host = Host::new(library);
    let launch = || host.launch().argument("--clock-synchronized=no");
    let mut serving = launch().start();
    let token = serving.client(ADMIN).refresh(LOGIN).login().token;
    host.shift("+10y");
    serving.wait_for_log("the host's clock is not believed");
    assert_time_is_right(&serving);
    assert_eq!(serving.client(ADMIN).read(LOGIN).login().token, token);
    // The process ends, and the next one begins meanwhile.
    serving.stop();
    let mut serving = launch().argument("--cleaner-interval=1ms").start();
    serving.wait_for_log("the host's clock is not believed");
    let next = serving.client(ADMIN).refresh_with(LOGIN, &token).login();
    host.shift("+0");
    serving.wait_for_log("agrees with the time again");
    assert_time_is_right(&serving);
    assert_eq!(serving.client(ADMIN).read(LOGIN).login(), next);
}

#[test]
fn a_clock_that_stays_ahead_expires_logins_until_it_is_set_right() {
    let Some(library) = library() else { return };
    let host = Host::new(library);
    let launch = |synchronized: &str| {
        host.launch()
            .argument("--clock-hold=200ms")
            .argument("--cleaner-interval=1ms")
            .argument(format!("--clock-synchronized={synchronized}"))
    };
    let mut serving = launch("no").start();
    let token = serving.client(ADMIN).refresh(LOGIN).login().token;
    // What happened in this run stays as old as it is: the refresh was a moment ago.
    let created = serving.client(ADMIN).create(PROFILE).login();
    host.shift("+10y");
    serving.wait_for_log("the time was corrected by the host's clock");
    let client = serving.client(ADMIN);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    assert_eq!(client.read(&created.id).login().token, created.token);
    serving.stop();
    host.shift("+0");
    // By its administrator.
    let serving = launch("no").argument("--accept-clock").start();
    assert_time_is_right(&serving);
    let client = serving.client(ADMIN);
    assert_eq!(client.read(LOGIN).login().token, token);
    assert_eq!(client.read(&created.id).login().token, created.token);
    serving.stop();
    // And by itself, if it is synchronized.
    host.shift("+10y");
    let mut serving = launch("yes").start();
    serving.wait_for_log("the time was corrected by the host's clock");
    let client = serving.client(ADMIN);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    host.shift("+0");
    serving.wait_for_log("step_millis=-");
    assert_eq!(client.read(LOGIN).login().token, token);
    assert_time_is_right(&serving);
}
