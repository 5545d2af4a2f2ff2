//! The real binary: how it stops.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::server::wait_until;
use crate::support::wire::Wire;

/// The log line after a signal.
const STOPPING: &str = "stopping";

/// A part of a body that takes much longer to send byte by byte than a test waits.
const DRIP: &[u8] = &[b'x'; 8_192];

/// How much a pipe holds that nobody reads.
const PIPE_BYTES: usize = 65_536;

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
    open_request_of(serving, form().len())
}

/// The same with a body of this many bytes.
fn open_request_of(serving: &Serving, body_bytes: usize) -> Wire {
    let mut wire = serving.wire();
    wire.send(format!(
        "POST {LOGINS}/{LOGIN}/refresh_token HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         Expect: 100-continue\r\nContent-Length: {body_bytes}\r\n\r\n",
        FORM.1,
    ));
    assert_eq!(wire.response().status, 100);
    wire
}

/// Whether the tests were started with SIGHUP ignored, which the server inherits.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("a process has it");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.expect("it has the line").trim();
    u64::from_str_radix(mask, 16).expect("a mask") & 1 == 1
}

#[test]
fn an_open_request_gets_its_response_before_the_process_ends() {
    let home = Home::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        if signal == Signal::HUP && is_hangup_ignored() {
            continue;
        }
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
    let mut serving = home.launch().argument("--drain-timeout=800ms").start();
    let mut wire = open_request_of(&serving, DRIP.len() + 1);
    serving.signal(Signal::TERM);
    serving.wait_for_log(STOPPING);
    // It goes on all the time, so that it is not dropped because nothing comes.
    wire.drip_until_closed(DRIP, Duration::from_millis(20));
    let ended = serving.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.contains("did not finish in time"), "{ended:?}");
    home.launch().start().stop();
}

#[test]
fn a_second_signal_stops_at_once() {
    let home = Home::new();
    let mut serving = home.launch().argument("--drain-timeout=1h").start();
    let mut wire = open_request(&serving);
    let response = serving.client(DEMO_ACCESS_TOKEN).refresh(LOGIN);
    let refreshed = response.login();
    // Those of the request and of the audit log.
    serving.wait_for_lines(response.header("x-request-id"), 2);
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
fn a_second_signal_loses_no_count_of_the_log() {
    let home = Home::new();
    let mut serving = home.launch().argument("--drain-timeout=1h").start();
    let _open = open_request(&serving);
    let stranger = serving.client("wrong-token");
    for _ in 0..20 {
        let response = stranger.read(LOGIN);
        assert_eq!(response.status, 403);
        serving.wait_for_lines(response.header("x-request-id"), 1);
    }
    serving.signal(Signal::TERM);
    serving.wait_for_log(STOPPING);
    serving.signal(Signal::TERM);
    let ended = serving.wait();
    assert_eq!(ended.status.code(), Some(130));
    let summary = r#"a caller was refused again peer=127.0.0.1 code="ACCESS_DENIED" count=17"#;
    assert!(ended.stderr.contains(summary), "{ended:?}");
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

#[test]
fn half_a_request_does_not_hold_a_stop_up() {
    let home = Home::new();
    let serving = home
        .launch()
        .argument("--header-timeout=1h")
        .argument("--drain-timeout=1h")
        .start();
    let mut head = serving.wire();
    head.send("GET / HTTP/1.1\r\nHost: ");
    let mut body = open_request(&serving);
    body.send("accessToken");
    serving.stop();
    head.assert_closed();
}

#[test]
fn responses_that_nobody_reads_do_not_hold_a_stop_up() {
    let home = Home::new();
    let serving = home
        .launch()
        .argument("--write-timeout=1h")
        .argument("--drain-timeout=1h")
        .start();
    let mut unread = serving.wire();
    unread.receive_little();
    unread.send_until_stuck("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(64));
    let ended = serving.stop();
    assert!(ended.stderr.contains("stopped"), "{ended:?}");
}

#[test]
fn signals_that_arrive_together_are_one() {
    let home = Home::new();
    let serving = home.launch().argument("--drain-timeout=1h").start();
    // Both are delivered when it continues.
    for signal in [Signal::STOP, Signal::TERM, Signal::INT, Signal::CONT] {
        serving.signal(signal);
    }
    let ended = serving.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.contains("stopped"), "{ended:?}");
}

#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let home = Home::new();
    let serving = home.launch().limited("trap '' HUP").start();
    serving.signal(Signal::HUP);
    serving.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    serving.stop();
}

#[test]
fn a_signal_stops_a_server_whose_output_and_log_nobody_reads() {
    let home = Home::new();
    let unread = || {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(&[b'x'; PIPE_BYTES]).expect("it has room");
        (reader, Stdio::from(writer))
    };
    let (_stdout, full_stdout) = unread();
    let (_stderr, full_stderr) = unread();
    let process = home
        .launch()
        .argument("--drain-timeout=3s")
        .stdout(full_stdout)
        .stderr(full_stderr)
        .spawn();
    // It is there before anything is printed, and after signals are caught.
    let database = home.0.path().join("rememberd.redb");
    wait_until("it has created its database", || database.exists());
    process.signal(Signal::TERM);
    assert!(process.wait().status.code().is_some(), "it was killed");
}
