//! Creating a verification token.

use std::collections::HashSet;

use rememberd::testing::Event;

use crate::support::fixture::{
    DISABLED_PROFILE, NO_PROFILE, NOW, POWERLESS, PROFILE, PROFILES, READERS, TICKETS,
};
use crate::support::server::{Server, Setup};

#[test]
fn a_token_is_the_one_of_the_contract_and_is_there_after_a_restart() {
    let server = Server::start();
    let client = server.client();
    let token = client
        .create_verification_token(PROFILE)
        .verification_token();
    assert_eq!(token.tenant, "default");
    assert_eq!(token.profile_id, PROFILE);
    assert_eq!(token.timestamp, NOW.as_millis());
    let id = uuid::Uuid::try_parse(&token.id).expect("a UUID");
    assert_eq!(
        (id.get_version_num(), id.to_string()),
        (4, token.id.clone())
    );
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateVerificationToken), 1);
    assert!(server.take_mail().is_none());
    let server = Setup::new().home(server.stop()).start();
    let found = server.client().read_verification_token(&token.id);
    assert_eq!(found.verification_token(), token);
}

#[test]
fn every_token_is_another_one_and_all_are_valid() {
    let server = Server::start();
    let client = server.client();
    let create = |_| {
        client
            .create_verification_token(PROFILE)
            .verification_token()
    };
    let tokens: Vec<_> = (0..20).map(create).collect();
    let ids: HashSet<_> = tokens.iter().map(|token| &token.id).collect();
    assert_eq!(ids.len(), tokens.len());
    for token in &tokens {
        let found = client.read_verification_token(&token.id);
        assert_eq!(&found.verification_token(), token);
    }
}

#[test]
fn a_disabled_profile_can_have_one() {
    let server = Server::start();
    let created = server.client().create_verification_token(DISABLED_PROFILE);
    assert_eq!(created.verification_token().profile_id, DISABLED_PROFILE);
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = Server::start();
    let client = server.client();
    let commits = server.app.store.commits();
    for id in [NO_PROFILE, "x"] {
        let refused = client.with_token(POWERLESS).create_verification_token(id);
        refused.assert_no_such_profile(id);
    }
    let create = |token| client.with_token(token).create_verification_token(PROFILE);
    create(POWERLESS).assert_denied("MANAGE_PROFILES", "default");
    create(TICKETS).assert_denied("MANAGE_PROFILES", "default");
    create(PROFILES).assert_denied("READ_TENANT", "default");
    assert_eq!(server.app.store.commits(), commits);
    create(READERS).verification_token();
}

#[test]
fn there_is_a_limit_to_all_tokens_together() {
    let server = Setup::new().flag("--verification-tokens-max=2").start();
    let client = server.client();
    let kept = client
        .create_verification_token(PROFILE)
        .verification_token();
    let deleted = client
        .create_verification_token(DISABLED_PROFILE)
        .verification_token();
    let commits = server.app.store.commits();
    let refused = client.create_verification_token(PROFILE);
    refused.assert_other_error(503);
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    assert_eq!(server.app.store.commits(), commits);
    client.delete_verification_token(&deleted.id).assert_empty();
    client
        .create_verification_token(PROFILE)
        .verification_token();
    client
        .read_verification_token(&kept.id)
        .verification_token();
}
