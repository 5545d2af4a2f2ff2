//! Access tokens: permissions, and the order of the checks.

use std::time::Duration;

use crate::support::client::{FORM, LOGINS, Response};
use crate::support::fixture::{
    ACME, ACME_LOGIN, ACME_PROFILE, BOTH, DISABLED_LOGIN, DISABLED_PROFILE, EXPIRING, EXPIRY,
    LOGIN, NARROW_FIRST, NO_LOGIN, NO_PROFILE, NOTHING_FIRST, NOW, POWERLESS, PROFILE, PROFILES,
    READERS, SIGN_IN, TICKETS, first_login,
};
use crate::support::server::Server;

const TICKETS_ACTION: &str = "MANAGE_TICKETS";
const PROFILES_ACTION: &str = "MANAGE_PROFILES";

/// Calls every endpoint with this access token, on a profile and a login that exist.
fn call_every_endpoint(server: &Server, access_token_id: &str) -> [Response; 4] {
    let client = server.client().with_token(access_token_id);
    [
        client.create(PROFILE),
        client.read(LOGIN),
        client.refresh(LOGIN),
        client.delete(LOGIN),
    ]
}

#[test]
fn every_endpoint_requires_an_access_token() {
    let server = Server::start();
    let client = server.client();
    let message = "Access token ID param missing from request";
    for response in call_every_endpoint(&server, "") {
        response.assert_error(403, "ACCESS_DENIED", message);
    }
    client
        .get(&format!("{LOGINS}/{LOGIN}"))
        .assert_error(403, "ACCESS_DENIED", message);
    for path in ["create", "x/refresh_token", "x/delete"] {
        let target = format!("{LOGINS}/{path}");
        let response = client.send("POST", &target, &[FORM], Some(b""));
        response.assert_error(403, "ACCESS_DENIED", message);
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn an_unknown_access_token_is_refused() {
    let server = Server::start();
    for (sent, id) in [
        ("nobody", "nobody"),
        ("%22z%C3%B6lf%22", "\"zölf\""),
        (
            "E5F4A1D2-0C3B-4E6F-8A7D-1B2C3D4E5F60",
            "E5F4A1D2-0C3B-4E6F-8A7D-1B2C3D4E5F60",
        ),
    ] {
        for response in call_every_endpoint(&server, sent) {
            let message = format!("No access token found for ID \"{id}\"");
            response.assert_error(403, "ACCESS_DENIED", &message);
        }
    }
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn an_access_token_works_until_it_expires() {
    let server = Server::start();
    let left = u64::try_from(EXPIRY.as_millis() - NOW.as_millis()).expect("it expires later");
    server.app.clock.advance(Duration::from_millis(left - 1));
    let client = server.client().with_token(EXPIRING);
    assert_eq!(client.read(LOGIN).login(), first_login());
    server.app.clock.advance(Duration::from_millis(1));
    for response in call_every_endpoint(&server, EXPIRING) {
        let message = "Access token \"expiring\" for application \"shop\" expired on 06/01/2017";
        response.assert_error(403, "ACCESS_DENIED", message);
    }
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn an_access_token_without_an_expiry_never_expires() {
    let server = Server::start();
    server
        .app
        .clock
        .advance(Duration::from_secs(200 * 365 * 86_400));
    let login = server.client().create(PROFILE).login();
    assert_eq!(server.client().read(&login.id).login(), login);
}

#[test]
fn manage_tickets_suffices_for_existing_logins() {
    let server = Server::start();
    let [created, read, refreshed, deleted] = call_every_endpoint(&server, TICKETS);
    created.assert_denied(PROFILES_ACTION, "default");
    assert_eq!(read.login(), first_login());
    refreshed.login();
    deleted.assert_empty();
}

#[test]
fn creating_requires_three_permissions_in_their_order() {
    let server = Server::start();
    let create = |token| server.client().with_token(token).create(PROFILE);
    create(POWERLESS).assert_denied(PROFILES_ACTION, "default");
    create(TICKETS).assert_denied(PROFILES_ACTION, "default");
    create(PROFILES).assert_denied("READ_TENANT", "default");
    create(BOTH).assert_denied("READ_TENANT", "default");
    create(READERS).assert_denied(TICKETS_ACTION, "default");
    create(SIGN_IN).login();
}

#[test]
fn a_denied_request_has_no_effect() {
    let server = Server::start();
    for token in [PROFILES, POWERLESS, ACME] {
        let [_, read, refreshed, deleted] = call_every_endpoint(&server, token);
        for response in [read, refreshed, deleted] {
            response.assert_denied(TICKETS_ACTION, "default");
        }
    }
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

#[test]
fn the_first_entry_that_matches_the_tenant_applies() {
    let server = Server::start();
    let narrow = server.client().with_token(NARROW_FIRST);
    narrow
        .create(PROFILE)
        .assert_denied("READ_TENANT", "default");
    narrow.read(LOGIN).assert_denied(TICKETS_ACTION, "default");
    narrow.create(ACME_PROFILE).login();
    let nothing = server.client().with_token(NOTHING_FIRST);
    nothing
        .create(PROFILE)
        .assert_denied(PROFILES_ACTION, "default");
    nothing
        .refresh(LOGIN)
        .assert_denied(TICKETS_ACTION, "default");
}

#[test]
fn a_permission_applies_to_its_tenant_only() {
    let server = Server::start();
    let acme = server.client().with_token(ACME);
    let login = acme.create(ACME_PROFILE).login();
    assert_eq!(login.tenant, "acme.com");
    acme.refresh(ACME_LOGIN).login();
    acme.create(PROFILE)
        .assert_denied(PROFILES_ACTION, "default");
    let tickets = server.client().with_token(TICKETS);
    tickets
        .read(ACME_LOGIN)
        .assert_denied(TICKETS_ACTION, "acme.com");
    tickets
        .delete(ACME_LOGIN)
        .assert_denied(TICKETS_ACTION, "acme.com");
    acme.delete(ACME_LOGIN).assert_empty();
}

#[test]
fn existence_is_checked_before_permission() {
    let server = Server::start();
    let powerless = server.client().with_token(POWERLESS);
    powerless
        .create(NO_PROFILE)
        .assert_no_such_profile(NO_PROFILE);
    powerless.read(NO_LOGIN).assert_no_such_login(NO_LOGIN);
    powerless.refresh(NO_LOGIN).assert_no_such_login(NO_LOGIN);
    powerless.delete(NO_LOGIN).assert_empty();
}

#[test]
fn permission_is_checked_before_the_profile_is_enabled() {
    let server = Server::start();
    let powerless = server.client().with_token(POWERLESS);
    powerless
        .create(DISABLED_PROFILE)
        .assert_denied(PROFILES_ACTION, "default");
    powerless
        .refresh(DISABLED_LOGIN)
        .assert_denied(TICKETS_ACTION, "default");
    let readers = server.client().with_token(READERS);
    readers
        .create(DISABLED_PROFILE)
        .assert_denied(TICKETS_ACTION, "default");
}
