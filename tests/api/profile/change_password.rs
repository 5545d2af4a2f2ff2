//! Setting another password by a verification token.

use rememberd::testing::Event;
use serde_json::json;

use crate::profile::changes::{
    LATER, assert_missing, assert_unchanged, json_of, post, read, server, setup,
};
use crate::profile::seed::{
    ADMIN, ANNA, BEN, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER, TENANT_ONLY,
};
use crate::support::client::{Response, encode};
use crate::support::concurrency::together;
use crate::support::fixture::SIGN_IN;
use crate::support::server::Server;
use crate::verification_token::NO_TOKEN;

fn token(server: &Server, profile_id: &str) -> String {
    let created = server.client().create_verification_token(profile_id);
    created.verification_token().id
}

fn change(server: &Server, caller: &str, token_id: &str, password: &str) -> Response {
    let parameters = [("resetTokenId", token_id), ("newPassword", password)];
    post(server, caller, "change_password", &parameters)
}

fn sign_in(server: &Server, username: &str, password: &str) -> Response {
    let form = encode(&[
        ("accessTokenId", ADMIN),
        ("tenantName", "corp"),
        ("username", username),
        ("password", password),
    ]);
    let path = "/crafter-profile/api/1/authentication/authenticate";
    server.client().post(path, &form)
}

#[test]
fn the_new_password_is_valid_and_all_access_has_ended() {
    let server = server();
    let client = server.client();
    let [used, other] = [(); 2].map(|()| token(&server, ANNA));
    let (login, ticket) = (
        client.create(ANNA).login(),
        client.create_ticket(ANNA).ticket(),
    );
    let mut expected = read(&server, ANNA);
    expected["lastModified"] = json!(LATER.as_millis());
    assert_eq!(json_of(&change(&server, ADMIN, &used, "first")), expected);
    client.read(&login.id).assert_no_such_login(&login.id);
    client.refresh(&login.id).assert_no_such_login(&login.id);
    client
        .read_ticket(&ticket.id)
        .assert_no_such_ticket(&ticket.id);
    sign_in(&server, "anna", "first").ticket();
    change(&server, ADMIN, &used, "second").assert_no_such_verification_token(&used);
    sign_in(&server, "anna", "first").ticket();
    json_of(&change(&server, ADMIN, &other, "third"));
    server.wait_for_writer();
    let count = |event| server.app.audit.count(event);
    assert_eq!(
        (count(Event::ChangePassword), count(Event::UpdateProfile)),
        (2, 0)
    );
    let server = setup().home(server.stop()).start();
    for password in ["first", "second"] {
        let refused = sign_in(&server, "anna", password);
        refused.assert_error(401, "BAD_CREDENTIALS", "Invalid username and/or password");
    }
    sign_in(&server, "anna", "third").ticket();
    server
        .client()
        .read(&login.id)
        .assert_no_such_login(&login.id);
}

#[test]
fn a_disabled_profile_stays_disabled_and_unverified() {
    let server = server();
    let before = read(&server, BEN);
    let changed = json_of(&change(&server, ADMIN, &token(&server, BEN), "first"));
    for name in ["enabled", "verified"] {
        assert_eq!(
            (&changed[name], &before[name]),
            (&json!(false), &json!(false))
        );
    }
    sign_in(&server, "ben", "first").assert_disabled_profile(BEN, "corp");
}

#[test]
fn of_parallel_uses_exactly_one_is_carried_out() {
    let server = setup().flag("--password-hash=contract").start();
    let id = token(&server, ANNA);
    let passwords: Vec<_> = (0..6).map(|number| format!("password-{number}")).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let responses = together(&server, passwords.len(), |_| {
        let mine = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (mine, change(&server, ADMIN, &id, &passwords[mine]))
    });
    let mut done = responses
        .iter()
        .filter(|(_, response)| response.status == 200);
    let (winner, _) = done.next().expect("one is carried out");
    assert!(done.next().is_none());
    for (mine, response) in &responses {
        if mine != winner {
            response.assert_no_such_verification_token(&id);
        }
    }
    sign_in(&server, "anna", &passwords[*winner]).ticket();
}

#[test]
fn verify_and_change_password_take_each_others_tokens_once() {
    let server = server();
    let id = token(&server, BEN);
    json_of(&post(
        &server,
        ADMIN,
        "verify",
        &[("verificationTokenId", &id)],
    ));
    change(&server, ADMIN, &id, "first").assert_no_such_verification_token(&id);
}

#[test]
fn a_password_is_checked_before_the_token() {
    let server = server();
    let id = token(&server, ANNA);
    let send =
        |caller, parameters: &[(&str, &str)]| post(&server, caller, "change_password", parameters);
    assert_missing(
        &send(NOTHING, &[("newPassword", "x")]),
        "resetTokenId",
        "String",
    );
    assert_missing(
        &send(NOTHING, &[("resetTokenId", &id)]),
        "newPassword",
        "String",
    );
    let unknown = send("nobody", &[]);
    unknown.assert_error(
        403,
        "ACCESS_DENIED",
        "No access token found for ID \"nobody\"",
    );
    assert_unchanged(&server, ANNA, || {
        for password in ["", &"p".repeat(1_025)] {
            for token_id in [&id, NO_TOKEN] {
                change(&server, NOTHING, token_id, password).assert_bad_parameter("newPassword");
            }
        }
    });
    json_of(&change(&server, READER, &id, &"p".repeat(1_024)));
    sign_in(&server, "anna", &"p".repeat(1_024)).ticket();
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    let id = token(&server, ANNA);
    for unknown in [NO_TOKEN, "", "x", ANNA] {
        change(&server, NOTHING, unknown, "x").assert_no_such_verification_token(unknown);
    }
    assert_unchanged(&server, ANNA, || {
        change(&server, NOTHING, &id, "x").assert_denied(MANAGE_PROFILES, "corp");
        change(&server, TENANT_ONLY, &id, "x").assert_denied(MANAGE_PROFILES, "corp");
        change(&server, SIGN_IN, &id, "x").assert_denied(MANAGE_PROFILES, "corp");
        change(&server, PROFILES_ONLY, &id, "x").assert_denied(READ_TENANT, "corp");
    });
    post(&server, ADMIN, &format!("{ANNA}/delete"), &[]).assert_empty();
    let commits = server.app.store.commits();
    for caller in [ADMIN, PROFILES_ONLY] {
        change(&server, caller, &id, "x").assert_no_such_profile(ANNA);
    }
    assert_eq!(server.app.store.commits(), commits);
    server
        .client()
        .read_verification_token(&id)
        .verification_token();
}
