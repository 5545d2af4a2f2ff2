//! The limit of open connections, and which connection is closed to accept a new one.

use std::collections::HashSet;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::client::{LOGINS, Login};
use crate::support::fixture::{ADMIN, LOGIN, TOKEN};
use crate::support::raw_request::{assert_unharmed, read, waiting_for_body, waiting_for_writer};
use crate::support::server::Setup;
use crate::support::wire::Wire;

#[test]
fn at_the_limit_the_connection_idle_longest_is_closed() {
    let server = Setup::new().flag("--connections-max=3").start();
    let mut idle: Vec<Wire> = (0..3).map(|_| server.wire()).collect();
    assert_unharmed(&server);
    idle[0].assert_closed();
    // The client of `assert_unharmed` has disconnected, so the others stay open.
    for wire in &mut idle[1..] {
        wire.send(read(LOGIN));
        assert_eq!(wire.response().status, 200);
    }
}

#[test]
fn slow_clients_do_not_block_others() {
    let server = Setup::new().flag("--connections-max=3").start();
    let mut slow: Vec<Wire> = (0..20)
        .map(|_| {
            let mut wire = server.wire();
            wire.offer("GET /api/1/auth");
            wire
        })
        .collect();
    assert_unharmed(&server);
    for wire in &mut slow[..17] {
        wire.assert_closed();
    }
}

#[test]
fn a_slow_body_does_not_block_others() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--body-timeout=1h")
        .start();
    let mut slow = waiting_for_body(&server);
    assert_unharmed(&server);
    slow.assert_closed();
}

#[test]
fn a_connection_with_a_request_in_progress_is_not_closed() {
    let server = Setup::new()
        .flag("--connections-max=2")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut in_progress, held) = waiting_for_writer(&server);
    let mut idle = server.wire();
    let mut next = server.wire();
    next.send(read(LOGIN));
    assert_eq!(next.response().status, 200);
    idle.assert_closed();
    drop(held);
    assert_eq!(in_progress.response().status, 200);
}

#[test]
fn a_connection_that_becomes_idle_is_closed_for_a_pending_one() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--idle-timeout=1h")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut in_progress, held) = waiting_for_writer(&server);
    let mut next = server.wire();
    next.send(read(LOGIN));
    drop(held);
    assert_eq!(in_progress.response().status, 200);
    assert_eq!(next.response().status, 200);
    in_progress.assert_closed();
}

#[test]
fn a_client_that_reads_no_responses_is_closed_for_another() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--idle-timeout=1h")
        .flag("--header-timeout=1h")
        .flag("--header-size-max=64KiB")
        .start();
    let mut flood = server.wire();
    flood.send_until_stuck(read(&"x".repeat(30_000)));
    assert_unharmed(&server);
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    const CONNECTIONS: usize = 1_000;
    // Both ends of each connection are in this process.
    allow_open_files(2 * CONNECTIONS + 500);
    let server = Setup::new()
        .flag(&format!("--connections-max={CONNECTIONS}"))
        .start();
    let mut wires: Vec<Wire> = (0..CONNECTIONS).map(|_| server.wire()).collect();
    for wire in &mut wires {
        wire.send(format!(
            "POST {LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN} HTTP/1.1\r\n\
             Host: x\r\nContent-Length: 0\r\n\r\n"
        ));
    }
    let mut tokens = HashSet::from([TOKEN.to_owned()]);
    for wire in &mut wires {
        let response = wire.response();
        assert_eq!(response.status, 200, "{response:?}");
        let login: Login = serde_json::from_str(&response.body).expect("a login");
        assert!(tokens.insert(login.token), "the token was returned before");
    }
    let last = &mut wires[CONNECTIONS - 1];
    last.send(format!(
        "GET {LOGINS}/{LOGIN}?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    let login: Login = serde_json::from_str(&last.response().body).expect("a login");
    assert!(tokens.contains(&login.token));
    assert_ne!(login.token, TOKEN);
}

/// Raises this process' limit of open files, if it is lower.
fn allow_open_files(count: usize) {
    let count = u64::try_from(count).expect("a small number");
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let raised = Rlimit {
            current: Some(count),
            ..limit
        };
        setrlimit(Resource::Nofile, raised).expect("the host allows that many open files");
    }
}
