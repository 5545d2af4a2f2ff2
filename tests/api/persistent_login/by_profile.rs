//! Checks that listing and deleting the logins of a profile have in common.

use std::time::Duration;

use crate::support::client::LOGINS;
use crate::support::fixture::{
    ACME, ACME_LOGIN, ACME_PROFILE, ADMIN, LOGIN, NO_PROFILE, NOTHING_FIRST, POWERLESS, PROFILE,
    PROFILES, TICKETS,
};
use crate::support::server::Server;

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);

/// A server with [`LOGIN`] and `count` more logins, each created a second after the one before. Returns
/// the server and all ids in the order of creation.
pub fn server_with(count: usize) -> (Server, Vec<String>) {
    let server = Server::start();
    let mut ids = vec![LOGIN.to_owned()];
    for _ in 0..count {
        server.app.clock.advance(SECOND);
        ids.push(server.client().create(PROFILE).login().id);
    }
    (server, ids)
}

#[test]
fn an_unknown_profile_is_not_found() {
    let server = Server::start();
    let client = server.client();
    for id in [NO_PROFILE, "not-an-object-id", ""] {
        client.by_profile(id, "").assert_no_such_profile(id);
        client.delete_by_profile(id, "").assert_no_such_profile(id);
    }
    server.delete_profile(PROFILE);
    client
        .by_profile(PROFILE, "")
        .assert_no_such_profile(PROFILE);
}

#[test]
fn manage_tickets_on_the_tenant_is_required() {
    let server = Server::start();
    let client = server.client();
    for caller in [POWERLESS, PROFILES, ACME, NOTHING_FIRST] {
        let client = client.with_token(caller);
        client
            .by_profile(PROFILE, "")
            .assert_denied("MANAGE_TICKETS", "default");
        client
            .delete_by_profile(PROFILE, "")
            .assert_denied("MANAGE_TICKETS", "default");
    }
    for caller in ["nobody", ""] {
        let client = client.with_token(caller);
        for response in [
            client.by_profile(PROFILE, "&count=x"),
            client.delete_by_profile(PROFILE, "&except=x"),
        ] {
            assert_eq!(response.status, 403);
            assert!(response.body.contains("ACCESS_DENIED"), "{response:?}");
        }
    }
    let may = client.with_token(TICKETS);
    assert_eq!(may.by_profile(PROFILE, "").listed_ids(), [LOGIN]);
    may.by_profile(ACME_PROFILE, "")
        .assert_denied("MANAGE_TICKETS", "acme.com");
    may.delete_by_profile(ACME_PROFILE, "")
        .assert_denied("MANAGE_TICKETS", "acme.com");
    may.delete_by_profile(PROFILE, "").assert_deleted(1);
    assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
}

#[test]
fn the_profile_id_is_required() {
    let server = Server::start();
    let token = format!("accessTokenId={ADMIN}");
    let message =
        "Required request parameter 'profileId' for method parameter type String is not present";
    let list = server.client().get(&format!("{LOGINS}/by_profile?{token}"));
    list.assert_error(400, "OTHER", message);
    let target = format!("{LOGINS}/delete_by_profile");
    let delete = server.client().post(&target, &token);
    delete.assert_error(400, "OTHER", message);
}

#[test]
fn other_methods_are_refused_with_the_allowed_ones() {
    let server = Server::start();
    for (path, method, allow) in [
        ("by_profile", "PUT", "GET,HEAD,POST,OPTIONS"),
        ("by_profile", "DELETE", "GET,HEAD,POST,OPTIONS"),
        ("delete_by_profile", "PUT", "GET,HEAD,POST,OPTIONS"),
        ("delete_by_profile", "DELETE", "GET,HEAD,POST,OPTIONS"),
    ] {
        // The access token is not checked.
        let target = format!("{LOGINS}/{path}?profileId={PROFILE}");
        let response = server.client().send(method, &target, &[], None);
        let message = format!("Request method '{method}' not supported");
        response.assert_error(405, "OTHER", &message);
        assert_eq!(response.header("allow"), allow, "{method} {path}");
    }
    assert_eq!(server.client().read(LOGIN).login().id, LOGIN);
}

#[test]
fn the_paths_may_omit_the_context_and_end_in_json() {
    let server = Server::start();
    let client = server.client();
    let bare = LOGINS
        .strip_prefix("/crafter-profile")
        .expect("a context path");
    let token = format!("accessTokenId={ADMIN}&profileId={PROFILE}");
    for base in [LOGINS, bare] {
        let target = format!("{base}/by_profile.json?{token}");
        assert_eq!(client.get(&target).listed_ids().len(), 1);
        let target = format!("{base}/delete_by_profile.json");
        client.post(&target, &token).assert_deleted(1);
        client.create(PROFILE).login();
    }
}
