//! Reading a ticket, which moves its last request.

use std::time::Duration;

use rememberd::testing::service::ticket::save_requests;

use crate::support::concurrency::together;
use crate::support::fixture::{
    ACME, ADMIN, DISABLED_PROFILE, NOW, POWERLESS, PROFILE, PROFILES, TICKETS,
};
use crate::support::server::{Server, Setup};
use crate::ticket::{NO_TICKET, TICKETS_PATH};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_read_moves_the_last_request_to_now() {
    let server = Server::start();
    let client = server.client();
    let created = client.create_ticket(PROFILE).ticket();
    for seconds in 1..4 {
        server.app.clock.advance(SECOND);
        let read = client.read_ticket(&created.id).ticket();
        assert_eq!(read.last_request_time, NOW.as_millis() + 1_000 * seconds);
        let expected = super::Ticket {
            last_request_time: read.last_request_time,
            ..created.clone()
        };
        assert_eq!(read, expected);
    }
}

#[test]
fn a_read_is_later_than_the_one_before_in_the_same_millisecond() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    for later in 1..=5 {
        let read = client.read_ticket(&id).ticket();
        assert_eq!(read.last_request_time, NOW.as_millis() + later);
        if later == 3 {
            server
                .block_on(save_requests(&server.app))
                .expect("requests are saved");
        }
    }
}

#[test]
fn concurrent_reads_have_different_times() {
    const READERS: usize = 8;
    const READS: usize = 50;
    let server = Server::start();
    let id = server.client().create_ticket(PROFILE).ticket().id;
    let times = together(&server, READERS, |client| {
        let mut times = Vec::new();
        for read in 0..READS {
            times.push(client.read_ticket(&id).ticket().last_request_time);
            if read % 7 == 0 {
                server
                    .block_on(save_requests(&server.app))
                    .expect("requests are saved");
            }
        }
        assert!(
            times.is_sorted_by(|before, after| before < after),
            "{times:?}"
        );
        times
    });
    let mut times = times.concat();
    times.sort_unstable();
    // The clock stands still: each read takes the next millisecond.
    let first = NOW.as_millis() + 1;
    let expected: Vec<_> = (first..first + (READERS * READS) as i64).collect();
    assert_eq!(times, expected);
}

#[test]
fn a_read_costs_no_commit_and_all_of_them_cost_one() {
    let server = Server::start();
    let client = server.client();
    let ids = [(); 20].map(|()| client.create_ticket(PROFILE).ticket().id);
    let commits = server.app.store.commits();
    for id in ids.iter().cycle().take(50) {
        client.read_ticket(id).ticket();
    }
    assert_eq!(server.app.store.commits(), commits);
    let save = || server.block_on(save_requests(&server.app));
    assert_eq!(save(), Ok(()));
    assert_eq!(server.app.store.commits(), commits + 1);
    assert_eq!(save(), Ok(()));
    assert_eq!(server.app.store.commits(), commits + 1);
}

#[test]
fn a_restart_does_not_move_the_last_request_back() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    server.app.clock.advance(SECOND);
    let before = client.read_ticket(&id).ticket();
    server
        .block_on(save_requests(&server.app))
        .expect("requests are saved");
    // The clock of the next run is a second behind.
    let server = Setup::new().home(server.stop()).start();
    let after = server.client().read_ticket(&id).ticket();
    assert_eq!(after.last_request_time, before.last_request_time + 1);
}

#[test]
fn an_id_may_be_in_upper_case() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    let read = client.read_ticket(&id.to_uppercase()).ticket();
    assert_eq!(read.id, id);
}

#[test]
fn an_unknown_ticket_is_not_found_whatever_the_caller_may_do() {
    let server = Server::start();
    let bare = NO_TICKET.replace('-', "");
    for token in [ADMIN, POWERLESS] {
        let client = server.client().with_token(token);
        for id in [NO_TICKET, "not-a-uuid", "acme.com", "create", &bare] {
            client.read_ticket(id).assert_no_such_ticket(id);
        }
        let target = format!("{TICKETS_PATH}/create.json?accessTokenId={token}");
        client.get(&target).assert_no_such_ticket("create");
    }
}

#[test]
fn reading_requires_manage_tickets_and_a_refused_read_moves_nothing() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    server.app.clock.advance(SECOND);
    for token in [POWERLESS, PROFILES, ACME] {
        let refused = client.with_token(token).read_ticket(&id);
        refused.assert_denied("MANAGE_TICKETS", "default");
    }
    server.app.clock.advance(899 * SECOND);
    client.read_ticket(&id).assert_no_such_ticket(&id);
    let id = client.create_ticket(PROFILE).ticket().id;
    client.with_token(TICKETS).read_ticket(&id).ticket();
}

#[test]
fn head_returns_the_headers_of_get_and_moves_the_last_request_too() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    for id in [id.as_str(), NO_TICKET, "create"] {
        let get = client.read_ticket(id);
        let target = format!("{TICKETS_PATH}/{id}.json?accessTokenId={ADMIN}");
        let head = client.send("HEAD", &target, &[], None);
        assert_eq!(head.status, get.status);
        assert_eq!(head.body, "");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
    let read = client.read_ticket(&id).ticket();
    assert_eq!(read.last_request_time, NOW.as_millis() + 3);
}

#[test]
fn a_ticket_of_another_profile_stays_when_one_is_disabled() {
    let server = Server::start();
    let client = server.client();
    let ticket = client.create_ticket(PROFILE).ticket();
    server.update_profile(DISABLED_PROFILE, |profile| profile.enabled = true);
    client.create_ticket(DISABLED_PROFILE).ticket();
    assert_eq!(client.read_ticket(&ticket.id).ticket().id, ticket.id);
}

#[test]
fn a_ticket_stays_valid_when_a_key_is_added() {
    let server = Server::start();
    let id = server.client().create_ticket(PROFILE).ticket().id;
    let home = server.stop();
    let path = home.path().join("rememberd.keys");
    let keys = std::fs::read_to_string(&path).expect("a key file");
    let line = keys.lines().last().expect("a key");
    let (_, key) = line.rsplit_once(' ').expect("a number and a key");
    let other: String = key.chars().rev().collect();
    std::fs::write(&path, format!("{keys}2 {other}\n")).expect("the file is written");
    let server = Setup::new().home(home).start();
    let client = server.client();
    client.read_ticket(&id).ticket();
    let new = client.create_ticket(PROFILE).ticket().id;
    client.read_ticket(&new).ticket();
    client.invalidate(&id).assert_empty();
    client.read_ticket(&id).assert_no_such_ticket(&id);
}
