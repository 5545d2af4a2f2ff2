//! How many connections there may be, and which one makes room for a new one.

use crate::support::fixture::LOGIN;
use crate::support::raw_request::{is_well, read, waiting_for_body, waiting_for_writer};
use crate::support::server::Setup;
use crate::support::wire::Wire;

#[test]
fn at_the_limit_the_connection_idle_longest_makes_room() {
    let server = Setup::new().flag("--connections-max=3").start();
    let mut idle: Vec<Wire> = (0..3).map(|_| server.wire()).collect();
    is_well(&server);
    idle[0].is_closed();
    // The honest client has left its place, so the others keep theirs.
    for wire in &mut idle[1..] {
        wire.send(read(LOGIN));
        assert_eq!(wire.answer().status, 200);
    }
}

#[test]
fn slow_clients_do_not_keep_others_out() {
    let server = Setup::new().flag("--connections-max=3").start();
    let mut slow: Vec<Wire> = (0..20)
        .map(|_| {
            let mut wire = server.wire();
            wire.offer("GET /api/1/auth");
            wire
        })
        .collect();
    is_well(&server);
    for wire in &mut slow[..17] {
        wire.is_closed();
    }
}

#[test]
fn a_slow_body_does_not_keep_others_out() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--body-timeout=1h")
        .start();
    let mut slow = waiting_for_body(&server);
    is_well(&server);
    slow.is_closed();
}

#[test]
fn a_request_under_way_is_not_evicted() {
    let server = Setup::new()
        .flag("--connections-max=2")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut under_way, held) = waiting_for_writer(&server);
    let mut idle = server.wire();
    let mut next = server.wire();
    next.send(read(LOGIN));
    assert_eq!(next.answer().status, 200);
    idle.is_closed();
    drop(held);
    assert_eq!(under_way.answer().status, 200);
}

#[test]
fn a_connection_that_turns_idle_makes_room_for_one_that_waits() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--idle-timeout=1h")
        .flag("--queue-jobs-max=1")
        .start();
    let (mut under_way, held) = waiting_for_writer(&server);
    let mut next = server.wire();
    next.send(read(LOGIN));
    drop(held);
    assert_eq!(under_way.answer().status, 200);
    assert_eq!(next.answer().status, 200);
    under_way.is_closed();
}

#[test]
fn a_client_that_fetches_no_answers_makes_room() {
    let server = Setup::new()
        .flag("--connections-max=1")
        .flag("--idle-timeout=1h")
        .flag("--header-timeout=1h")
        .flag("--header-size-max=64KiB")
        .start();
    let mut flood = server.wire();
    flood.send_until_stuck(read(&"x".repeat(30_000)));
    is_well(&server);
}
