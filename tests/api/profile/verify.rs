//! Verifying a profile by a verification token.

use rememberd::testing::Event;
use serde_json::json;

use crate::profile::changes::{
    LATER, assert_missing, assert_unchanged, json_of, post, read, server, setup,
};
use crate::profile::seed::{
    ADMIN, ANNA, BEN, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER, TENANT_ONLY,
};
use crate::support::client::Response;
use crate::support::concurrency::together;
use crate::support::server::Server;
use crate::verification_token::NO_TOKEN;

fn token(server: &Server, profile_id: &str) -> String {
    let created = server.client().create_verification_token(profile_id);
    created.verification_token().id
}

fn verify(server: &Server, caller: &str, token_id: &str) -> Response {
    post(
        server,
        caller,
        "verify",
        &[("verificationTokenId", token_id)],
    )
}

#[test]
fn a_profile_is_verified_and_enabled() {
    let server = server();
    let [used, other] = [(); 2].map(|()| token(&server, BEN));
    let mut expected = read(&server, BEN);
    assert_eq!(expected["enabled"], json!(false));
    expected["verified"] = json!(true);
    expected["enabled"] = json!(true);
    expected["lastModified"] = json!(LATER.as_millis());
    assert_eq!(
        json_of(&verify(&server, READER, &used.to_uppercase())),
        expected
    );
    assert_eq!(read(&server, BEN), expected);
    // It is used up, and the other one is not.
    verify(&server, READER, &used).assert_no_such_verification_token(&used);
    let client = server.client();
    client
        .read_verification_token(&used)
        .assert_no_such_verification_token(&used);
    json_of(&verify(&server, READER, &other));
    server.wait_for_writer();
    let count = |event| server.app.audit.count(event);
    assert_eq!(
        (count(Event::VerifyProfile), count(Event::EnableProfile)),
        (2, 0)
    );
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, BEN), expected);
    for id in [used, other] {
        verify(&server, READER, &id).assert_no_such_verification_token(&id);
    }
}

#[test]
fn of_parallel_uses_exactly_one_is_carried_out() {
    let server = server();
    for _ in 0..5 {
        let id = token(&server, BEN);
        let responses = together(&server, 8, |_| verify(&server, READER, &id));
        let (done, refused): (Vec<_>, Vec<_>) = responses
            .iter()
            .partition(|response| response.status == 200);
        assert_eq!(done.len(), 1);
        for response in refused {
            response.assert_no_such_verification_token(&id);
        }
    }
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    let id = token(&server, BEN);
    assert_missing(
        &post(&server, NOTHING, "verify", &[]),
        "verificationTokenId",
        "String",
    );
    let unknown = post(&server, "nobody", "verify", &[]);
    unknown.assert_error(
        403,
        "ACCESS_DENIED",
        "No access token found for ID \"nobody\"",
    );
    for unknown in [NO_TOKEN, "", "x", BEN] {
        verify(&server, NOTHING, unknown).assert_no_such_verification_token(unknown);
    }
    assert_unchanged(&server, BEN, || {
        verify(&server, NOTHING, &id).assert_denied(MANAGE_PROFILES, "corp");
        verify(&server, TENANT_ONLY, &id).assert_denied(MANAGE_PROFILES, "corp");
        verify(&server, PROFILES_ONLY, &id).assert_denied(READ_TENANT, "corp");
    });
    json_of(&verify(&server, ADMIN, &id));
}

#[test]
fn the_token_of_a_profile_that_is_gone_is_kept() {
    let server = server();
    let id = token(&server, BEN);
    post(&server, ADMIN, &format!("{BEN}/delete"), &[]).assert_empty();
    let commits = server.app.store.commits();
    verify(&server, NOTHING, &id).assert_denied(MANAGE_PROFILES, "corp");
    for caller in [ADMIN, PROFILES_ONLY] {
        verify(&server, caller, &id).assert_no_such_profile(BEN);
    }
    assert_eq!(server.app.store.commits(), commits);
    server
        .client()
        .read_verification_token(&id)
        .verification_token();
}

#[test]
fn the_response_has_what_the_application_may_read() {
    let server = server();
    let shown = |parameters: &[(&str, &str)]| {
        let id = token(&server, ANNA);
        let parameters = [&[("verificationTokenId", id.as_str())], parameters].concat();
        json_of(&post(&server, READER, "verify", &parameters))["attributes"].clone()
    };
    assert_eq!(
        shown(&[]),
        json!({"name": "Anna \"A\" Zö", "score": 1.0, "secret": "s"})
    );
    assert_eq!(
        shown(&[("attributeToReturn", "score")]),
        json!({"score": 1.0})
    );
    assert_eq!(shown(&[("attributeToReturn", "$none")]), json!({}));
}
