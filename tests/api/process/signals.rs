//! The real binary: how it stops.

use std::net::TcpStream;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::server::wait_until;
use crate::support::wire::Wire;

/// The log line after a signal.
const STOPPING: &str = "stopping";

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    /// A server whose timeouts do not expire during a test.
    fn launch(&self) -> Launch {
        Launch::serve(self.0.path())
            .seed(DEMO_SEED)
            .argument("--body-timeout=1h")
            .argument("--idle-timeout=1h")
    }
}

fn form() -> String {
    format!("accessTokenId={DEMO_ACCESS_TOKEN}")
}

/// A connection with a refresh that is being handled and whose body, [`form`], is still to be sent.
fn open_request(serving: &Serving) -> Wire {
    let mut wire = serving.wire();
    wire.send(format!(
        "POST {LOGINS}/{LOGIN}/refresh_token HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        FORM.1,
        form().len()
    ));
    assert_eq!(wire.response().status, 100);
    wire
}

#[test]
fn an_open_request_gets_its_response_before_the_process_ends() {
    let home = Home::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut serving = home.launch().argument("--drain-timeout=1h").start();
        let mut idle = serving.wire();
        let mut wire = open_request(&serving);
        serving.signal(signal);
        serving.wait_for_log(STOPPING);
        idle.assert_closed();
        wait_until("no connection is accepted", || {
            TcpStream::connect(serving.loopback()).is_err()
        });
        wire.send(form());
        let response = wire.response();
        assert_eq!(response.status, 200);
        assert_eq!(response.header("connection"), "close");
        wire.assert_closed();
        let ended = serving.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        let next = home.launch().start();
        let read = next.client(DEMO_ACCESS_TOKEN).read(LOGIN);
        assert_eq!(read.login().id, LOGIN);
        assert_eq!(read.body, response.body);
        next.stop();
    }
}

#[test]
fn an_open_request_is_aborted_after_the_drain_timeout() {
    let home = Home::new();
    let serving = home.launch().argument("--drain-timeout=200ms").start();
    let mut wire = open_request(&serving);
    let ended = serving.stop();
    wire.assert_closed();
    assert!(ended.stderr.contains("did not finish in time"), "{ended:?}");
    home.launch().start().stop();
}

#[test]
fn a_second_signal_stops_at_once() {
    let home = Home::new();
    let mut serving = home.launch().argument("--drain-timeout=1h").start();
    let mut wire = open_request(&serving);
    let refreshed = serving.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    serving.signal(Signal::TERM);
    serving.wait_for_log(STOPPING);
    serving.signal(Signal::TERM);
    assert_eq!(serving.wait().status.code(), Some(130));
    wire.assert_closed();
    // It stopped without closing its database, which is intact all the same.
    let next = home.launch().start();
    let read = next.client(DEMO_ACCESS_TOKEN).read(LOGIN).login();
    assert_eq!(read, refreshed);
}

#[test]
fn an_idle_process_stops_at_a_signal() {
    let home = Home::new();
    let serving = home.launch().argument("--drain-timeout=1h").start();
    let mut idle = serving.wire();
    let log = serving.stop().stderr;
    idle.assert_closed();
    assert!(log.contains(STOPPING) && log.contains("stopped"), "{log}");
}
