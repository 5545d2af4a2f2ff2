//! Expiry of verification tokens, and the cleaner.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::jobs;
use rememberd::testing::service::verification_token::delete_expired;
use rememberd::testing::tables::verification_token;

use crate::support::fixture::{POWERLESS, PROFILE};
use crate::support::server::{Server, Setup, wait_until};

/// The contract's time from creation to expiry.
const MAX_AGE: Duration = Duration::from_secs(86_400);

const HOUR: Duration = Duration::from_secs(3_600);

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn a_token_expires_some_time_after_its_creation_and_not_before() {
    let server = Server::start();
    let client = server.client();
    let id = client
        .create_verification_token(PROFILE)
        .verification_token()
        .id;
    server.app.clock.advance(MAX_AGE - MILLISECOND);
    client.read_verification_token(&id).verification_token();
    server.app.clock.advance(MILLISECOND);
    let powerless = client.with_token(POWERLESS);
    powerless
        .read_verification_token(&id)
        .assert_no_such_verification_token(&id);
    powerless.delete_verification_token(&id).assert_empty();
    for (path, parameter) in [
        ("verify", "verificationTokenId"),
        ("change_password", "resetTokenId"),
    ] {
        let form = client.encode(&[(parameter, &id), ("newPassword", "x")]);
        let used = client.post(&format!("/crafter-profile/api/1/profile/{path}"), &form);
        used.assert_no_such_verification_token(&id);
    }
}

#[test]
fn the_time_to_expiry_is_configurable() {
    let server = Setup::new()
        .flag("--verification-token-max-age=10s")
        .start();
    let client = server.client();
    let id = client
        .create_verification_token(PROFILE)
        .verification_token()
        .id;
    server
        .app
        .clock
        .advance(Duration::from_secs(10) - MILLISECOND);
    client.read_verification_token(&id).verification_token();
    server.app.clock.advance(MILLISECOND);
    client
        .read_verification_token(&id)
        .assert_no_such_verification_token(&id);
}

#[test]
fn the_cleaner_removes_what_has_expired_and_nothing_else() {
    let server = Setup::new().flag("--cleaner-batch-max=2").start();
    let client = server.client();
    let create = || {
        client
            .create_verification_token(PROFILE)
            .verification_token()
            .id
    };
    let expired: Vec<_> = (0..5).map(|_| create()).collect();
    server.app.clock.advance(MILLISECOND);
    let valid = create();
    server.app.clock.advance(MAX_AGE - 2 * MILLISECOND);
    assert_eq!(clean(&server), 0);
    server.app.clock.advance(MILLISECOND);
    assert_eq!([(); 4].map(|()| clean(&server)), [2, 2, 1, 0]);
    assert_eq!(count(&server), 1);
    client.read_verification_token(&valid).verification_token();
    client
        .read_verification_token(&expired[0])
        .assert_no_such_verification_token(&expired[0]);
}

#[test]
fn what_has_expired_is_kept_for_a_while() {
    let server = Setup::new().flag("--expired-kept-for=1h").start();
    let client = server.client();
    client
        .create_verification_token(PROFILE)
        .verification_token();
    server.app.clock.advance(MAX_AGE + HOUR - MILLISECOND);
    assert_eq!((clean(&server), count(&server)), (0, 1));
    server.app.clock.advance(MILLISECOND);
    assert_eq!((clean(&server), count(&server)), (1, 0));
}

#[test]
fn the_background_job_removes_what_has_expired() {
    let server = Server::start();
    let client = server.client();
    client
        .create_verification_token(PROFILE)
        .verification_token();
    server.app.clock.advance(MAX_AGE);
    let valid = client
        .create_verification_token(PROFILE)
        .verification_token()
        .id;
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("the expired token is removed", || count(&server) == 1);
    client.read_verification_token(&valid).verification_token();
}

fn clean(server: &Server) -> usize {
    let removed = server.block_on(delete_expired(&server.app));
    removed.expect("expired tokens are removed")
}

fn count(server: &Server) -> u64 {
    server
        .app
        .store
        .read(verification_token::count)
        .expect("a number")
}
