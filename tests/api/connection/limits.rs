//! The limit of open connections, and which connection is closed to accept a new one.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::client::{LOGINS, Login};
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, TOKEN};
use crate::support::raw_request::{
    assert_unharmed, read, waiting_for_body, waiting_for_writer, whole_refresh,
};
use crate::support::server::{Server, Setup, wait_until};
use crate::support::wire::Wire;

#[test]
fn at_the_limit_the_connection_idle_longest_is_closed() {
    let server = Setup::new().flag("--connections-max=3").start();
    let mut idle: Vec<Wire> = (0..3).map(|_| server.wire()).collect();
    // Each has a moment to send its first request, in which a new one takes a place beyond the limit.
    wait_until("an idle connection is closed for a new one", || {
        assert_unharmed(&server);
        idle[0].is_closed()
    });
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
    let slow = waiting_for_body(&server);
    wait_until("a slow connection is closed for a new one", || {
        assert_unharmed(&server);
        slow.is_closed()
    });
}

#[test]
fn many_new_connections_at_once_do_not_block_others() {
    let server = Setup::new().flag("--connections-max=8").start();
    let began = Instant::now();
    let mut silent: Vec<Wire> = (0..8).map(|_| server.wire()).collect();
    let mut wire = server.wire();
    wire.send(read(LOGIN));
    assert_eq!(wire.response().status, 200);
    // Unless this host is slow, none of the others has had so much time that it was closed.
    if began.elapsed() < Duration::from_millis(200) {
        for wire in &mut silent {
            wire.send(read(LOGIN));
            assert_eq!(wire.response().status, 200);
        }
    }
}

#[test]
fn a_connection_with_a_request_in_progress_is_closed_after_its_response() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--idle-timeout=1h")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut in_progress, held) = waiting_for_writer(&server);
    let mut next = server.wire();
    next.send(read(LOGIN));
    // It does not wait for the request in progress.
    assert_eq!(next.response().status, 200);
    drop(held);
    let last = in_progress.response();
    assert_eq!(
        (last.status, last.header("connection")),
        (200, "close"),
        "{last:?}"
    );
    in_progress.assert_closed();
    next.send(read(LOGIN));
    assert_eq!(next.response().status, 200);
}

#[test]
fn more_busy_clients_than_places_lose_no_request() {
    const CLIENTS: usize = 40;
    const REQUESTS: usize = 60;
    let server = Setup::new().flag("--connections-max=8").start();
    let address = server.address;
    let lost: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || lost_requests(address, REQUESTS, number % 2 == 0)))
            .collect();
        let lost = clients.into_iter().map(|client| client.join());
        lost.map(|lost| lost.expect("a client does not panic"))
            .sum()
    });
    assert_eq!(lost, 0, "of {}", CLIENTS * REQUESTS);
}

/// Sends requests one after the other, each on the connection of the one before unless its response says that it
/// closes, and returns how many of them got no response.
fn lost_requests(address: SocketAddr, requests: usize, is_writing: bool) -> usize {
    let mut kept = None;
    let mut lost = 0;
    for _ in 0..requests {
        let mut wire = kept.take().unwrap_or_else(|| Wire::connect(address));
        wire.offer(if is_writing {
            whole_refresh()
        } else {
            read(LOGIN)
        });
        match wire.response_or_close() {
            Some(response) => {
                assert_eq!(response.status, 200, "{response:?}");
                if response.header("connection") != "close" {
                    kept = Some(wire);
                }
            }
            None => lost += 1,
        }
    }
    lost
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
fn clients_that_read_no_responses_delay_nobody() {
    const PLACES: usize = 100;
    let server = Setup::new()
        .flag(&format!("--connections-max={PLACES}"))
        .flag("--idle-timeout=1h")
        .start();
    let mut probe = server.wire();
    let mut unread: Vec<Wire> = (1..PLACES).map(|_| server.wire()).collect();
    let requests = read(NO_LOGIN).repeat(100);
    thread::scope(|scope| {
        for wire in &mut unread {
            let requests = &requests;
            scope.spawn(move || {
                wire.receive_little();
                wire.send_until_stuck_for(requests, Duration::from_secs(1));
            });
        }
    });
    wait_until("the server sends no responses any more", || {
        let began = Instant::now();
        probe.send(read(LOGIN));
        assert_eq!(probe.response().status, 200);
        began.elapsed() < Duration::from_millis(5)
    });
    let with_unread = time_of_new_clients(&server, PLACES);
    // The unread ones are gone.
    let without = time_of_new_clients(&server, PLACES);
    // At 20 ms for each place, it would be two seconds more.
    assert!(
        with_unread < 4 * without + Duration::from_secs(1),
        "{with_unread:?}, and {without:?} without them"
    );
}

/// The time that so many clients need that connect one after the other and keep their connections.
fn time_of_new_clients(server: &Server, count: usize) -> Duration {
    let began = Instant::now();
    let mut kept = Vec::new();
    for _ in 0..count {
        let mut wire = server.wire();
        wire.send(read(LOGIN));
        assert_eq!(wire.response().status, 200);
        kept.push(wire);
    }
    began.elapsed()
}

#[test]
fn requests_that_were_sent_before_a_stop_are_answered() {
    const CONNECTIONS: usize = 50;
    let server = Server::start();
    let mut wires: Vec<Wire> = (0..CONNECTIONS).map(|_| server.wire()).collect();
    for wire in &mut wires {
        wire.send(read(LOGIN));
        assert_eq!(wire.response().status, 200);
    }
    for wire in &mut wires {
        wire.send(read(LOGIN));
    }
    server.stop();
    for wire in &mut wires {
        assert_eq!(wire.response().status, 200);
        wire.assert_closed();
    }
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
