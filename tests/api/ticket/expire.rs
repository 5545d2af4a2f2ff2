//! Expiry of tickets, and the cleaner.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::jobs;
use rememberd::testing::service::ticket::{delete_expired, save_requests};
use rememberd::testing::tables::ticket;

use crate::support::fixture::{POWERLESS, PROFILE};
use crate::support::server::{Server, Setup, wait_until};

/// The contract's time from the last request to expiry.
const IDLE_MAX: Duration = Duration::from_secs(900);

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn a_ticket_expires_some_time_after_its_last_request_and_not_before() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    for saves in [true, false, true] {
        server.app.clock.advance(IDLE_MAX - MILLISECOND);
        client.read_ticket(&id).ticket();
        if saves {
            save(&server);
        }
    }
    let powerless = client.with_token(POWERLESS);
    powerless
        .invalidate(&id)
        .assert_denied("MANAGE_TICKETS", "default");
    server.app.clock.advance(IDLE_MAX);
    client.read_ticket(&id).assert_no_such_ticket(&id);
    powerless.read_ticket(&id).assert_no_such_ticket(&id);
    powerless.invalidate(&id).assert_empty();
}

#[test]
fn the_time_to_expiry_is_configurable() {
    let server = Setup::new().flag("--ticket-idle-max=10s").start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    server
        .app
        .clock
        .advance(Duration::from_secs(10) - MILLISECOND);
    client.read_ticket(&id).ticket();
    server.app.clock.advance(Duration::from_secs(10));
    client.read_ticket(&id).assert_no_such_ticket(&id);
}

#[test]
fn the_cleaner_removes_what_has_expired_and_nothing_else() {
    let server = Setup::new().flag("--cleaner-batch-max=2").start();
    let client = server.client();
    let ids: Vec<_> = (0..6)
        .map(|_| client.create_ticket(PROFILE).ticket().id)
        .collect();
    server.app.clock.advance(IDLE_MAX / 2);
    // One has its last request in the database, and one in memory.
    client.read_ticket(&ids[0]).ticket();
    save(&server);
    client.read_ticket(&ids[1]).ticket();
    server.app.clock.advance(IDLE_MAX / 2 - MILLISECOND);
    assert_eq!(clean(&server), 0);
    server.app.clock.advance(MILLISECOND);
    let looked_at = [(); 4].map(|()| clean(&server));
    assert_eq!(looked_at, [2, 2, 2, 0]);
    assert_eq!(count(&server), 2);
    save(&server);
    let server = Setup::new().home(server.stop()).start();
    server
        .app
        .clock
        .advance(IDLE_MAX + IDLE_MAX / 2 - MILLISECOND);
    for id in &ids[..2] {
        server.client().read_ticket(id).ticket();
    }
    server.app.clock.advance(IDLE_MAX / 2);
    assert_eq!(clean(&server), 2);
    assert_eq!(count(&server), 2);
    save(&server);
    server.app.clock.advance(IDLE_MAX);
    while clean(&server) > 0 {}
    assert_eq!(count(&server), 0);
}

#[test]
fn the_background_jobs_save_requests_and_remove_what_has_expired() {
    let server = Server::start();
    let client = server.client();
    let [used, unused] = [(); 2].map(|()| client.create_ticket(PROFILE).ticket().id);
    server.app.clock.advance(IDLE_MAX - MILLISECOND);
    client.read_ticket(&used).ticket();
    server.app.clock.advance(MILLISECOND);
    let commits = server.app.store.commits();
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("the expired ticket is removed", || count(&server) == 1);
    wait_until("the request is saved", || {
        server.app.ticket_requests.unsaved().is_empty()
    });
    assert!(server.app.store.commits() > commits);
    client.read_ticket(&unused).assert_no_such_ticket(&unused);
    client.read_ticket(&used).ticket();
}

#[test]
fn an_invalidated_ticket_leaves_nothing_behind() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    client.invalidate(&id).assert_empty();
    assert_eq!(count(&server), 0);
    server.app.clock.advance(IDLE_MAX);
    assert_eq!(clean(&server), 0);
}

fn save(server: &Server) {
    let saved = server.block_on(save_requests(&server.app));
    saved.expect("requests are saved");
}

fn clean(server: &Server) -> usize {
    let removed = server.block_on(delete_expired(&server.app));
    removed.expect("expired tickets are removed")
}

fn count(server: &Server) -> u64 {
    server.app.store.read(ticket::count).expect("a number")
}
