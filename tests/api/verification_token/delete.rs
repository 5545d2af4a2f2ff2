//! Deleting a verification token.

use rememberd::testing::Event;
use rememberd::testing::tables::verification_token;

use crate::support::fixture::{ACME, POWERLESS, PROFILE, PROFILES, TICKETS};
use crate::support::server::{Server, Setup};
use crate::verification_token::NO_TOKEN;

#[test]
fn a_deleted_token_is_not_found_and_others_are() {
    let server = Server::start();
    let client = server.client();
    let create = |()| {
        client
            .create_verification_token(PROFILE)
            .verification_token()
            .id
    };
    let [deleted, other] = [(); 2].map(create);
    for _ in 0..2 {
        let gone = client
            .with_token(PROFILES)
            .delete_verification_token(&deleted);
        gone.assert_empty();
    }
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::DeleteVerificationToken), 1);
    let server = Setup::new().home(server.stop()).start();
    let client = server.client();
    client
        .read_verification_token(&deleted)
        .assert_no_such_verification_token(&deleted);
    client.read_verification_token(&other).verification_token();
    let count = server.app.store.read(verification_token::count);
    assert_eq!(count, Ok(1));
}

#[test]
fn what_does_not_exist_is_deleted_already() {
    let server = Server::start();
    let commits = server.app.store.commits();
    let client = server.client().with_token(POWERLESS);
    for id in [NO_TOKEN, "not-a-uuid"] {
        client.delete_verification_token(id).assert_empty();
    }
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn deleting_requires_manage_profiles() {
    let server = Server::start();
    let client = server.client();
    let id = client
        .create_verification_token(PROFILE)
        .verification_token()
        .id;
    for caller in [POWERLESS, TICKETS, ACME] {
        let refused = client.with_token(caller).delete_verification_token(&id);
        refused.assert_denied("MANAGE_PROFILES", "default");
    }
    client.read_verification_token(&id).verification_token();
}
