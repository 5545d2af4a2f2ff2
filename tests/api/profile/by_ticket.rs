//! Reading the profile of a ticket.

use std::time::Duration;

use serde_json::json;

use crate::profile::seed::{
    ADMIN, ANNA, ANNA_JSON, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, assert_json, get,
    seed, server,
};
use crate::support::client::Response;
use crate::support::server::{Server, Setup};
use crate::ticket::NO_TICKET;

fn read(server: &Server, token: &str, ticket: &str) -> Response {
    get(server, token, "by_ticket", &[("ticketId", ticket)])
}

#[track_caller]
fn assert_no_such_ticket(response: &Response, id: &str) {
    let message = format!("No ticket with ID \"{id}\" found");
    response.assert_error(400, "NO_SUCH_TICKET", &message);
}

#[test]
fn the_profile_of_a_ticket_is_found() {
    let server = server();
    let ticket = server.client().create_ticket(ANNA).ticket();
    assert_json(&read(&server, ADMIN, &ticket.id), ANNA_JSON);
    let parameters = [
        ("ticketId", ticket.id.as_str()),
        ("attributeToReturn", "$none"),
    ];
    let response = get(&server, ADMIN, "by_ticket", &parameters);
    assert!(response.body.contains(r#""attributes":{},"#));
    for id in [NO_TICKET, "x", ""] {
        assert_no_such_ticket(&read(&server, ADMIN, id), id);
        assert_no_such_ticket(&read(&server, NOTHING, id), id);
    }
    let message =
        "Required request parameter 'ticketId' for method parameter type String is not present";
    get(&server, ADMIN, "by_ticket", &[]).assert_error(400, "OTHER", message);
}

#[test]
fn it_is_no_request_of_the_ticket() {
    let server = server();
    let ticket = server.client().create_ticket(ANNA).ticket();
    let half = Duration::from_secs(500);
    server.app.clock.advance(half);
    assert_json(&read(&server, ADMIN, &ticket.id), ANNA_JSON);
    server.app.clock.advance(half);
    assert_no_such_ticket(&read(&server, ADMIN, &ticket.id), &ticket.id);
}

#[test]
fn a_profile_that_is_gone_is_not_found() {
    let server = server();
    let ticket = server.client().create_ticket(ANNA).ticket();
    server.delete_profile(ANNA);
    let message = format!("No profile found for ticket \"{}\"", ticket.id);
    read(&server, ADMIN, &ticket.id).assert_error(404, "NO_SUCH_PROFILE", &message);
}

#[test]
fn tickets_are_checked_before_profiles() {
    let mut seed = seed();
    let tokens = seed["accesstoken"].as_array_mut().expect("a list");
    for (id, actions) in [
        ("tickets", json!(["MANAGE_TICKETS"])),
        (
            "tickets-and-profiles",
            json!(["MANAGE_TICKETS", "MANAGE_PROFILES"]),
        ),
        (
            "enough",
            json!(["MANAGE_TICKETS", "MANAGE_PROFILES", "READ_TENANT"]),
        ),
    ] {
        tokens.push(json!({
            "_id": id, "application": "tests",
            "tenantPermissions": [{"tenant": "corp", "allowedActions": actions}],
        }));
    }
    let server = Setup::new().seed(seed).start();
    let ticket = server.client().create_ticket(ANNA).ticket().id;
    read(&server, NOTHING, &ticket).assert_denied("MANAGE_TICKETS", "corp");
    read(&server, PROFILES_ONLY, &ticket).assert_denied("MANAGE_TICKETS", "corp");
    read(&server, "tickets", &ticket).assert_denied(MANAGE_PROFILES, "corp");
    read(&server, "tickets-and-profiles", &ticket).assert_denied(READ_TENANT, "corp");
    assert_json(&read(&server, "enough", &ticket), ANNA_JSON);
    server.delete_profile(ANNA);
    read(&server, NOTHING, &ticket).assert_denied("MANAGE_TICKETS", "corp");
    assert_eq!(read(&server, "tickets", &ticket).status, 404);
}
