//! Timeouts of connections and requests.

use std::time::{Duration, Instant};

use crate::support::fixture::LOGIN;
use crate::support::raw_request::{
    assert_closing_error, assert_unharmed, form, read, refresh, waiting_for_body,
    waiting_for_writer, whole_refresh,
};
use crate::support::server::Setup;

#[test]
fn a_slow_head_times_out() {
    let server = Setup::new()
        .flag("--header-timeout=200ms")
        .flag("--idle-timeout=1h")
        .start();
    let mut silent = server.wire();
    silent.send("GET /api/1/auth");
    silent.assert_closed();
    let mut dripping = server.wire();
    dripping.send("GET /");
    dripping.drip_until_closed(&[b'x'; 2_000], Duration::from_millis(10));
    let mut second = server.wire();
    second.send(read(LOGIN));
    assert_eq!(second.response().status, 200);
    second.send("GET /api/1/auth");
    second.assert_closed();
    assert_unharmed(&server);
}

#[test]
fn a_slow_body_times_out() {
    let server = Setup::new().flag("--body-timeout=200ms").start();
    let mut wire = server.wire();
    wire.send(refresh("Content-Length: 500\r\n") + "accessTokenId=");
    assert_closing_error(&wire.response(), 408);
    wire.assert_closed();
    assert_unharmed(&server);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Setup::new()
        .flag("--idle-timeout=200ms")
        .flag("--header-timeout=1h")
        .start();
    let mut fresh = server.wire();
    fresh.assert_closed();
    let mut used = server.wire();
    used.send(read(LOGIN));
    assert_eq!(used.response().status, 200);
    used.assert_closed();
}

#[test]
fn a_connection_with_a_request_in_progress_is_not_idle() {
    let server = Setup::new()
        .flag("--idle-timeout=50ms")
        .flag("--header-timeout=50ms")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut writing, held) = waiting_for_writer(&server);
    let mut sending = waiting_for_body(&server);
    // Both are older than these connections, which are closed by their timeouts.
    server.wire().assert_closed();
    server.wire().assert_closed();
    drop(held);
    assert_eq!(writing.response().status, 200);
    sending.send(form());
    assert_eq!(sending.response().status, 200);
}

#[test]
fn the_write_timeout_starts_when_the_request_is_complete() {
    const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
    let server = Setup::new().flag("--write-timeout=1s").start();
    let mut sending = waiting_for_body(&server);
    let held = server.hold_writer();
    let mut writing = server.wire();
    writing.send(whole_refresh());
    assert_eq!(writing.response().status, 503);
    // The head of this request was received before the timeout of the other one started.
    let sent = Instant::now();
    sending.send(form());
    assert_eq!(sending.response().status, 503);
    assert!(sent.elapsed() >= WRITE_TIMEOUT, "{:?}", sent.elapsed());
    drop(held);
    for mut wire in [writing, sending] {
        wire.send(whole_refresh());
        assert_eq!(wire.response().status, 200);
    }
}
