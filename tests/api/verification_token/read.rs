//! Reading a verification token.

use serde_json::json;

use crate::support::fixture::{
    ACME, DISABLED_PROFILE, POWERLESS, PROFILE, PROFILES, TICKETS, seed,
};
use crate::support::server::{Server, Setup};
use crate::verification_token::NO_TOKEN;

const SEEDED: &str = "a3c7e915-2b68-4df0-9e34-7185bc0fd264";

#[test]
fn reading_uses_nothing_up() {
    let server = Server::start();
    let client = server.client();
    let token = client
        .create_verification_token(PROFILE)
        .verification_token();
    let commits = server.app.store.commits();
    let upper = token.id.to_uppercase();
    for id in [&token.id, &token.id, &format!("{}.json", token.id), &upper] {
        let found = client.with_token(PROFILES).read_verification_token(id);
        assert_eq!(found.verification_token(), token);
    }
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn a_token_of_a_seed_file_is_found() {
    let mut seed = seed();
    seed["verificationtoken"] = json!([{
        "_id": SEEDED, "tenant": "default", "profileId": PROFILE, "timestamp": 1_495_665_000_000_i64,
    }]);
    let server = Setup::new().seed(seed).start();
    let found = server
        .client()
        .read_verification_token(SEEDED)
        .verification_token();
    assert_eq!(
        (found.id.as_str(), found.timestamp),
        (SEEDED, 1_495_665_000_000)
    );
}

#[test]
fn the_token_of_a_deleted_profile_is_kept() {
    let server = Server::start();
    let client = server.client();
    let token = client
        .create_verification_token(DISABLED_PROFILE)
        .verification_token();
    server.delete_profile(DISABLED_PROFILE);
    let found = client.read_verification_token(&token.id);
    assert_eq!(found.verification_token(), token);
}

#[test]
fn existence_is_checked_before_the_permission() {
    let server = Server::start();
    let client = server.client();
    let token = client
        .create_verification_token(PROFILE)
        .verification_token();
    for id in [NO_TOKEN, "not-a-uuid", "create", PROFILE] {
        let refused = client.with_token(POWERLESS).read_verification_token(id);
        refused.assert_no_such_verification_token(id);
    }
    for caller in [POWERLESS, TICKETS, ACME] {
        let refused = client.with_token(caller).read_verification_token(&token.id);
        refused.assert_denied("MANAGE_PROFILES", "default");
    }
}
