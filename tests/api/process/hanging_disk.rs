//! The real binary on a disk whose syncs hang, by a library that is loaded before the system's.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::service_manager::Manager;
use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::server::PATIENCE;
use crate::support::wire::Wire;

/// Syncs wait for as long as the file exists that `HANG` names. C, because it replaces functions of the system.
const LIBRARY: &str = r#"
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static long sync_by(long call, int file) {
    const char *hang = getenv("HANG");
    while (hang && access(hang, F_OK) == 0) usleep(1000);
    return syscall(call, file);
}
int fsync(int file) { return sync_by(SYS_fsync, file); }
int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }
"#;

struct Host(TempDir);

impl Host {
    fn new() -> Self {
        let host = Self(TempDir::new().expect("a temporary directory"));
        let source = host.0.path().join("hang.c");
        fs::write(&source, LIBRARY).expect("it is written");
        // The linker of Rust programs, so it is there.
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(host.library())
            .arg(source)
            .status();
        assert!(compiled.expect("it can be run").success());
        host
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("hang.so")
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Has every sync hang from now on.
    fn hang(&self) {
        fs::write(self.0.path().join("hang"), "").expect("it is written");
    }

    /// Has the syncs that hang end.
    fn go_on(&self) {
        fs::remove_file(self.0.path().join("hang")).expect("it is there");
    }

    fn launch(&self) -> Launch {
        Launch::serve(&self.data())
            .seed(DEMO_SEED)
            .variable("LD_PRELOAD", self.library())
            .variable("HANG", self.0.path().join("hang"))
    }
}

/// Sends a refresh, whose response does not come.
fn send_refresh(serving: &Serving) -> Wire {
    let form = format!("accessTokenId={DEMO_ACCESS_TOKEN}");
    let mut wire = serving.wire();
    wire.send(format!(
        "POST {LOGINS}/{LOGIN}/refresh_token HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         Content-Length: {}\r\n\r\n{form}",
        FORM.1,
        form.len()
    ));
    wire
}

/// Asserts that nothing was lost that was acknowledged.
fn assert_recovers(host: &Host, token: &str) {
    let next = Launch::serve(&host.data()).start();
    let client = next.client(DEMO_ACCESS_TOKEN);
    client.refresh_with(LOGIN, token).login();
    next.stop();
}

#[test]
fn a_stop_ends_at_its_deadline_and_reports_that_it_was_not_clean() {
    let host = Host::new();
    let mut serving = host.launch().argument("--drain-timeout=1s").start();
    let token = serving
        .client(DEMO_ACCESS_TOKEN)
        .refresh(LOGIN)
        .login()
        .token;
    host.hang();
    let _wire = send_refresh(&serving);
    serving.signal(Signal::TERM);
    serving.wait_for_log("the stop took too long");
    assert_eq!(serving.wait().status.code(), Some(1));
    assert_recovers(&host, &token);
}

#[test]
fn a_second_signal_ends_a_stop_that_hangs_and_is_logged() {
    let host = Host::new();
    let mut serving = host.launch().argument("--drain-timeout=1h").start();
    let response = serving.client(DEMO_ACCESS_TOKEN).refresh(LOGIN);
    let token = response.login().token;
    // Those of the request and of the audit log.
    serving.wait_for_lines(response.header("x-request-id"), 2);
    host.hang();
    let _wire = send_refresh(&serving);
    serving.signal(Signal::TERM);
    serving.wait_for_log("stopping");
    serving.signal(Signal::INT);
    serving.wait_for_log("second signal");
    assert_eq!(serving.wait().status.code(), Some(130));
    assert_recovers(&host, &token);
}

#[test]
fn a_start_that_hangs_is_stopped_by_one_signal() {
    let host = Host::new();
    host.launch().start().stop();
    host.hang();
    let mut starting = host.launch().spawn();
    starting.wait_for_log("opening the data directory");
    starting.signal(Signal::TERM);
    let ended = starting.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    Launch::serve(&host.data()).start().stop();
}

#[test]
fn a_writer_that_hangs_is_not_reported_as_working() {
    let host = Host::new();
    let socket = host.0.path().join("notify");
    let manager = Manager::at(&socket);
    let serving = host
        .launch()
        .variable("NOTIFY_SOCKET", &socket)
        .variable("WATCHDOG_USEC", "300000")
        .start();
    let works = || manager.next() == "WATCHDOG=1\n";
    // After those of the start.
    while !works() {}
    assert!(works() && works(), "it is reported again and again");
    host.hang();
    let wire = send_refresh(&serving);
    // Five times of what was between the reports; those that were sent before are read first.
    manager.set_patience(Duration::from_millis(500));
    while let Some(report) = manager.next_if_any() {
        assert_eq!(report, "WATCHDOG=1\n");
    }
    host.go_on();
    manager.set_patience(PATIENCE);
    assert!(works() && works(), "the writer answers again");
    drop(wire);
    serving.stop();
}
