//! Creating a ticket.

use std::fs;
use std::path::Path;

use crate::persistent_login::create::is_random_uuid;
use crate::support::client::FORM;
use crate::support::fixture::{
    ACME, ACME_PROFILE, BOTH, DISABLED_PROFILE, EXPIRING, EXPIRY, NARROW_FIRST, NO_PROFILE,
    NOTHING_FIRST, NOW, POWERLESS, PROFILE, PROFILES, READERS, SIGN_IN, TICKETS,
};
use crate::support::server::Server;
use crate::ticket::TICKETS_PATH;

#[test]
fn a_created_ticket_is_new_and_was_requested_now() {
    let server = Server::start();
    let client = server.client();
    let tickets = [(); 2].map(|()| client.create_ticket(PROFILE).ticket());
    for ticket in &tickets {
        assert!(is_random_uuid(&ticket.id), "{}", ticket.id);
        assert_eq!(ticket.tenant, "default");
        assert_eq!(ticket.profile_id, PROFILE);
        assert_eq!(ticket.last_request_time, NOW.as_millis());
        let read = client.read_ticket(&ticket.id).ticket();
        assert_eq!((&read.id, &read.tenant), (&ticket.id, &ticket.tenant));
    }
    assert_ne!(tickets[0].id, tickets[1].id);
    let acme = client.create_ticket(ACME_PROFILE).ticket();
    assert_eq!(acme.tenant, "acme.com");
    let upper = client.create_ticket(&PROFILE.to_uppercase()).ticket();
    assert_eq!(upper.profile_id, PROFILE);
}

#[test]
fn the_profile_is_a_parameter_of_the_query_or_the_form() {
    let server = Server::start();
    let client = server.client();
    let query = client.encode(&[("profileId", PROFILE)]);
    for target in ["create", "create.json", "create/"] {
        let target = format!("{TICKETS_PATH}/{target}?{query}");
        client.send("POST", &target, &[], None).ticket();
        client.send("POST", &target, &[FORM], Some(b"")).ticket();
    }
    let form = client.encode(&[]);
    let response = client.post(&format!("{TICKETS_PATH}/create"), &form);
    let message =
        "Required request parameter 'profileId' for method parameter type String is not present";
    response.assert_error(400, "OTHER", message);
}

#[test]
fn an_unknown_profile_is_refused() {
    let server = Server::start();
    for id in [NO_PROFILE, "not-an-object-id", ""] {
        let response = server.client().create_ticket(id);
        response.assert_no_such_profile(id);
        let powerless = server.client().with_token(POWERLESS);
        powerless.create_ticket(id).assert_no_such_profile(id);
    }
}

#[test]
fn creating_requires_three_permissions_in_their_order() {
    let server = Server::start();
    let create = |token| server.client().with_token(token).create_ticket(PROFILE);
    for (token, action) in [
        (POWERLESS, "MANAGE_PROFILES"),
        (TICKETS, "MANAGE_PROFILES"),
        (ACME, "MANAGE_PROFILES"),
        (NOTHING_FIRST, "MANAGE_PROFILES"),
        (PROFILES, "READ_TENANT"),
        (NARROW_FIRST, "READ_TENANT"),
        (BOTH, "READ_TENANT"),
        (READERS, "MANAGE_TICKETS"),
    ] {
        create(token).assert_denied(action, "default");
        let client = server.client().with_token(token);
        let response = client.create_ticket(DISABLED_PROFILE);
        response.assert_denied(action, "default");
    }
    create(SIGN_IN).ticket();
}

#[test]
fn a_disabled_profile_is_refused_last() {
    let server = Server::start();
    let client = server.client().with_token(SIGN_IN);
    let response = client.create_ticket(DISABLED_PROFILE);
    response.assert_disabled_profile(DISABLED_PROFILE, "default");
}

#[test]
fn the_caller_comes_before_what_it_asks_for() {
    let server = Server::start();
    let client = server.client();
    let message = "No access token found for ID \"nobody\"";
    let unknown = client.with_token("nobody");
    let path = |path: &str| format!("{TICKETS_PATH}/{path}");
    for response in [
        unknown.create_ticket(NO_PROFILE),
        unknown.read_ticket("x"),
        unknown.invalidate("x"),
        unknown.post(&path("create"), &unknown.encode(&[])),
    ] {
        response.assert_error(403, "ACCESS_DENIED", message);
    }
    let message = "Access token ID param missing from request";
    for response in [
        client.post(&path("create"), ""),
        client.get(&path("x")),
        client.post(&path("x/invalidate"), "accessTokenId="),
    ] {
        response.assert_error(403, "ACCESS_DENIED", message);
    }
    server.app.clock.advance(EXPIRY.since(NOW));
    let message =
        format!("Access token \"{EXPIRING}\" for application \"shop\" expired on 06/01/2017");
    let expired = client.with_token(EXPIRING);
    let response = expired.create_ticket(PROFILE);
    response.assert_error(403, "ACCESS_DENIED", &message);
}

#[test]
fn only_the_methods_of_the_contract_are_allowed() {
    let server = Server::start();
    let client = server.client();
    for (method, path, allow) in [
        ("PUT", "create", "GET,HEAD,POST,OPTIONS"),
        ("POST", "x", "GET,HEAD,OPTIONS"),
        ("DELETE", "x", "GET,HEAD,OPTIONS"),
        ("GET", "x/invalidate", "POST,OPTIONS"),
    ] {
        let response = client.send(method, &format!("{TICKETS_PATH}/{path}"), &[], None);
        let message = format!("Request method '{method}' not supported");
        response.assert_error(405, "OTHER", &message);
        assert_eq!(response.header("allow"), allow);
    }
    for path in ["", "/x/y", "/x/invalidate/y"] {
        let response = client.get(&format!("{TICKETS_PATH}{path}"));
        assert_eq!(response.status, 404);
    }
}

#[test]
fn no_file_has_the_id_of_a_ticket() {
    let server = Server::start();
    let client = server.client();
    let ids: Vec<_> = (0..8)
        .map(|_| client.create_ticket(PROFILE).ticket().id)
        .collect();
    for id in &ids {
        client.read_ticket(id).ticket();
    }
    let home = server.stop();
    let files = files_in(home.path());
    assert!(!files.is_empty());
    for id in ids {
        let id = uuid::Uuid::try_parse(&id).expect("a UUID");
        for (path, bytes) in &files {
            let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            assert!(!has(id.as_bytes()), "{path}");
            assert!(!has(id.to_string().as_bytes()), "{path}");
        }
    }
}

fn files_in(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.append(&mut files_in(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            files.push((path.display().to_string(), bytes));
        }
    }
    files
}
