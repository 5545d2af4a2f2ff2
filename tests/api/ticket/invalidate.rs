//! Ending a ticket.

use rememberd::testing::Event;

use crate::support::concurrency::together;
use crate::support::fixture::{ACME, NO_PROFILE, POWERLESS, PROFILE, PROFILES, TICKETS};
use crate::support::server::{Server, Setup};
use crate::ticket::{NO_TICKET, TICKETS_PATH};

#[test]
fn an_invalidated_ticket_is_not_found_and_others_are() {
    let server = Server::start();
    let client = server.client();
    let [ended, other] = [(); 2].map(|()| client.create_ticket(PROFILE).ticket().id);
    client.read_ticket(&ended).ticket();
    client.with_token(TICKETS).invalidate(&ended).assert_empty();
    client.read_ticket(&ended).assert_no_such_ticket(&ended);
    client.read_ticket(&other).ticket();
    let server = Setup::new().home(server.stop()).start();
    let client = server.client();
    client.read_ticket(&ended).assert_no_such_ticket(&ended);
    client.read_ticket(&other).ticket();
}

#[test]
fn what_does_not_exist_is_invalid_already() {
    let server = Server::start();
    let commits = server.app.store.commits();
    for client in [server.client(), server.client().with_token(POWERLESS)] {
        for id in [NO_TICKET, "not-a-uuid", "create"] {
            client.invalidate(id).assert_empty();
        }
    }
    assert_eq!(server.app.store.commits(), commits);
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    for _ in 0..2 {
        client.invalidate(&id).assert_empty();
    }
    let form = client.encode(&[]);
    let target = format!("{TICKETS_PATH}/{id}/invalidate.json");
    client.post(&target, &form).assert_empty();
}

#[test]
fn invalidating_requires_manage_tickets() {
    let server = Server::start();
    let client = server.client();
    let id = client.create_ticket(PROFILE).ticket().id;
    for token in [POWERLESS, PROFILES, ACME] {
        let refused = client.with_token(token).invalidate(&id);
        refused.assert_denied("MANAGE_TICKETS", "default");
    }
    client.read_ticket(&id).ticket();
}

#[test]
fn no_read_brings_an_invalidated_ticket_back() {
    let server = Server::start();
    let client = server.client();
    for _ in 0..20 {
        let id = client.create_ticket(PROFILE).ticket().id;
        together(&server, 4, |client| {
            for _ in 0..5 {
                client.read_ticket(&id);
            }
            client.invalidate(&id).assert_empty();
            client.read_ticket(&id).assert_no_such_ticket(&id);
        });
        server
            .block_on(rememberd::testing::service::ticket::save_requests(
                &server.app,
            ))
            .expect("requests are saved");
        client.read_ticket(&id).assert_no_such_ticket(&id);
    }
}

#[test]
fn creating_and_ending_a_ticket_is_recorded() {
    let server = Server::start();
    let client = server.client();
    let counts = || {
        server.wait_for_writer();
        server.wait_for_writer();
        [Event::CreateTicket, Event::InvalidateTicket].map(|event| server.app.audit.count(event))
    };
    assert_eq!(counts(), [0, 0]);
    let id = client.create_ticket(PROFILE).ticket().id;
    client.create_ticket(NO_PROFILE);
    client.with_token(POWERLESS).create_ticket(PROFILE);
    assert_eq!(counts(), [1, 0]);
    client.with_token(POWERLESS).invalidate(&id);
    client.read_ticket(&id).ticket();
    assert_eq!(counts(), [1, 0]);
    for _ in 0..2 {
        client.invalidate(&id).assert_empty();
    }
    assert_eq!(counts(), [1, 1]);
}
