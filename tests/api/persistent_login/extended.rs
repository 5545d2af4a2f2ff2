//! Responses with more than the wire contract has.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Login, Response};
use crate::support::fixture::{ACME_LOGIN, LOGIN, NOW, PROFILE, first_login};
use crate::support::server::{Server, Setup};

const EXTENDED: [(&str, &str); 1] = [("extended", "true")];

/// The JSON of an extended response, after asserting that it begins like the contract's.
#[track_caller]
fn extended(response: &Response, login: &Login) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    let plain = format!(
        r#"{{"tenant":"{}","profileId":"{}","token":"{}","timestamp":{},"id":"{}","#,
        login.tenant, login.profile_id, login.token, login.timestamp, login.id
    );
    assert!(response.body.starts_with(&plain), "{response:?}");
    serde_json::from_str(&format!("{{{}", &response.body[plain.len()..])).expect("it is JSON")
}

#[test]
fn create_get_and_refresh_are_extended_by_username_and_expiry() {
    let server = Setup::new().flag("--persistent-login-idle-max=1h").start();
    let client = server.client();
    let idle = |now: i64| json!(now + 3_600_000);
    let now = NOW.as_millis();
    let user = [
        ("tenantName", "default"),
        ("username", "ann \"x\""),
        ("createProfile", "true"),
        EXTENDED[0],
    ];
    let response = client.post_with("create", &user);
    let id = response.body.split("\"id\":\"").nth(1).expect("an id")[..36].to_owned();
    let created = client.read(&id).login();
    let expected = json!({"username": "ann \"x\"", "expiresOn": idle(now)});
    assert_eq!(extended(&response, &created), expected);
    server.app.clock.advance(Duration::from_secs(60));
    let read = client.get_with(&id, &EXTENDED);
    assert_eq!(extended(&read, &created), expected);
    let refreshed = client.refresh_extended(&id, &created.token);
    let login = client.read(&id).login();
    let expected = json!({
        "outcome": "rotated", "username": "ann \"x\"", "expiresOn": idle(now + 60_000),
    });
    assert_eq!(extended(&refreshed, &login), expected);
    server.app.clock.advance(Duration::from_secs(30));
    let again = client.refresh_extended(&id, &created.token);
    let expected = json!({
        "outcome": "just_replaced", "username": "ann \"x\"", "expiresOn": idle(now + 60_000),
    });
    assert_eq!(extended(&again, &login), expected);
}

#[test]
fn the_expiry_is_that_by_age_without_a_limit_by_use() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(Duration::from_secs(5));
    let created = client.create_with(PROFILE, &EXTENDED);
    let fields: Value = serde_json::from_str(&created.body).expect("it is JSON");
    assert_eq!(fields["username"], "jdoe");
    assert_eq!(fields["expiresOn"], NOW.as_millis() + 1_296_005_000);
    let read = client.get_with(ACME_LOGIN, &EXTENDED);
    let fields: Value = serde_json::from_str(&read.body).expect("it is JSON");
    assert_eq!(fields["username"], "jdoe");
    assert_eq!(fields["expiresOn"], NOW.as_millis() + 1_296_000_000);
}

#[test]
fn without_it_responses_are_those_of_the_contract() {
    let server = Server::start();
    let client = server.client();
    for value in ["false", ""] {
        let plain = [("extended", value)];
        // `login` asserts it.
        let before = client.get_with(LOGIN, &plain).login();
        assert_eq!(before.id, LOGIN);
        client.create_with(PROFILE, &plain).login();
        let target = format!("{LOGIN}/refresh_token");
        client.post_with(&target, &plain).login();
    }
}

#[test]
fn an_unclear_value_is_refused_after_the_caller() {
    let server = Server::start();
    let client = server.client();
    let stranger = client.with_token("nobody");
    let unclear = [("extended", "perhaps")];
    let target = format!("{LOGIN}/refresh_token");
    for (client, status) in [(&client, 400), (&stranger, 403)] {
        assert_eq!(client.get_with(LOGIN, &unclear).status, status);
        assert_eq!(client.create_with(PROFILE, &unclear).status, status);
        assert_eq!(client.post_with(&target, &unclear).status, status);
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
}
