//! Refreshing a login.

use std::time::Duration;

use crate::persistent_login::create::is_random_uuid;
use crate::support::fixture::{LOGIN, PROFILE, TOKEN, first_login};
use crate::support::server::Server;

#[test]
fn a_refresh_returns_exactly_the_body_of_the_contract() {
    let server = Server::start();
    let response = server.client().refresh(LOGIN);
    let token = response.login().token;
    let example = "{\"tenant\":\"default\",\"profileId\":\"5925a68def86951f895cf497\",\
        \"token\":\"TOKEN\",\"timestamp\":1495665332589,\
        \"id\":\"b68c0013-d7b2-4004-8463-d7ba03e15d94\"}";
    assert_eq!(response.body, example.replace("TOKEN", &token));
}

#[test]
fn each_refresh_changes_the_token_and_nothing_else() {
    let server = Server::start();
    let client = server.client();
    assert_eq!(client.read(LOGIN).login(), first_login());
    let mut tokens = vec![TOKEN.to_owned()];
    for _ in 0..5 {
        server.app.clock.advance(Duration::from_secs(60));
        let refreshed = client.refresh(LOGIN).login();
        assert!(is_random_uuid(&refreshed.token), "{}", refreshed.token);
        assert!(!tokens.contains(&refreshed.token));
        assert_eq!(refreshed, first_login().with_token(&refreshed.token));
        assert_eq!(client.read(LOGIN).login(), refreshed);
        tokens.push(refreshed.token);
    }
}

#[test]
fn a_refresh_and_a_deletion_leave_other_logins_unchanged() {
    let server = Server::start();
    let client = server.client();
    let other = client.create(PROFILE).login();
    client.refresh(LOGIN).login();
    assert_eq!(client.read(&other.id).login(), other);
    client.delete(LOGIN).assert_empty();
    assert_eq!(client.read(&other.id).login(), other);
}
