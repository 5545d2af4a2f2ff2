//! A refresh or a delete that says whose login it takes it for.

use std::time::Duration;

use crate::support::client::{Client, Response};
use crate::support::fixture::{
    ACME, ACME_PROFILE, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NO_LOGIN, PROFILE, TOKEN,
    first_login,
};
use crate::support::server::Server;

/// What is so of [`LOGIN`], alone and together.
fn right() -> Vec<Vec<(&'static str, String)>> {
    let id = ("profileId", PROFILE.to_owned());
    let upper = ("profileId", PROFILE.to_uppercase());
    let username = ("username", "jdoe".to_owned());
    let tenant = ("tenantName", "default".to_owned());
    vec![
        vec![id.clone()],
        vec![upper],
        vec![username.clone()],
        vec![tenant.clone()],
        vec![username.clone(), tenant.clone()],
        vec![id, username, tenant],
    ]
}

/// What is not so of it, in one way each.
const WRONG: [&[(&str, &str)]; 12] = [
    &[("profileId", ACME_PROFILE)],
    &[("profileId", "")],
    &[("profileId", "not-an-id")],
    &[("username", "old")],
    &[("username", "nobody")],
    &[("username", "JDOE")],
    &[("username", "")],
    &[("tenantName", "acme.com")],
    &[("tenantName", "")],
    // Of a tenant that has a profile of this name.
    &[("username", "jdoe"), ("tenantName", "acme.com")],
    &[("profileId", PROFILE), ("username", "old")],
    &[("profileId", DISABLED_PROFILE), ("username", "jdoe")],
];

fn refresh(client: &Client, id: &str, parameters: &[(&str, &str)]) -> Response {
    client.post_with(&format!("{id}/refresh_token"), parameters)
}

fn delete(client: &Client, id: &str, parameters: &[(&str, &str)]) -> Response {
    client.post_with(&format!("{id}/delete"), parameters)
}

#[test]
fn a_login_of_the_expected_owner_is_refreshed_and_deleted() {
    let server = Server::start();
    let client = server.client();
    for owner in right() {
        let owner: Vec<_> = owner.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let login = client.create(PROFILE).login();
        let token = [("token", login.token.as_str())];
        let refreshed = refresh(&client, &login.id, &[&owner[..], &token].concat()).login();
        assert_ne!(refreshed.token, login.token);
        delete(&client, &login.id, &owner).assert_empty();
        client.read(&login.id).assert_no_such_login(&login.id);
    }
}

#[test]
fn a_login_of_anybody_else_does_not_exist_for_the_request() {
    let server = Server::start();
    let client = server.client();
    let commits = server.app.store.commits();
    for owner in WRONG {
        for token in [&[][..], &[("token", TOKEN)], &[("token", NO_LOGIN)]] {
            let response = refresh(&client, LOGIN, &[owner, token].concat());
            response.assert_no_such_login(LOGIN);
        }
        delete(&client, LOGIN, owner).assert_no_such_login(LOGIN);
        // A stranger to the tenant does not see a difference either.
        let stranger = client.with_token(ACME);
        delete(&stranger, LOGIN, owner).assert_no_such_login(LOGIN);
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn a_login_that_does_not_exist_is_refused_like_that_of_anybody_else() {
    let server = Server::start();
    let client = server.client();
    for id in [NO_LOGIN, "not-a-uuid"] {
        for owner in right() {
            let owner: Vec<_> = owner.iter().map(|(n, v)| (*n, v.as_str())).collect();
            delete(&client, id, &owner).assert_no_such_login(id);
            refresh(&client, id, &owner).assert_no_such_login(id);
        }
        client.delete(id).assert_empty();
    }
}

#[test]
fn a_reused_token_of_anybody_else_revokes_nothing() {
    let server = Server::start();
    let client = server.client();
    client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(Duration::from_secs(200_000));
    let other = [("token", TOKEN), ("username", "old")];
    refresh(&client, LOGIN, &other).assert_no_such_login(LOGIN);
    assert_eq!(client.read(LOGIN).status, 200);
    let owner = [("token", TOKEN), ("username", "jdoe")];
    assert_eq!(refresh(&client, LOGIN, &owner).status, 401);
    assert_eq!(client.read(LOGIN).status, 404);
}

#[test]
fn the_owner_comes_before_the_permission_and_the_state_of_the_profile() {
    let server = Server::start();
    let client = server.client();
    let old = [("username", "old")];
    let response = refresh(&client, DISABLED_LOGIN, &old);
    response.assert_disabled_profile(DISABLED_PROFILE, "default");
    let acme = client.with_token(ACME);
    refresh(&acme, DISABLED_LOGIN, &old).assert_denied("MANAGE_TICKETS", "default");
    delete(&acme, DISABLED_LOGIN, &old).assert_denied("MANAGE_TICKETS", "default");
    refresh(&acme, DISABLED_LOGIN, &[("username", "jdoe")]).assert_no_such_login(DISABLED_LOGIN);
}
