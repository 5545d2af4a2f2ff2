//! A profile is locked after too many failures.

use std::time::Duration;

use rememberd::testing::{Event, PasswordHash, SignInFailure, tables::sign_in};

use crate::authentication::{COSTLIER, PASSWORD, stored, without_delay};
use crate::support::client::Client;
use crate::support::fixture::PROFILE;
use crate::support::server::Server;

/// How long a lock lasts.
const LOCK: Duration = Duration::from_secs(600);

/// Fails so often.
#[track_caller]
fn fail(client: &Client, count: usize) {
    for _ in 0..count {
        client.sign_in("jdoe", "wrong").assert_bad_credentials();
    }
}

/// How many failures of `jdoe` are counted.
fn failures(server: &Server) -> u32 {
    let id = stored(server).id;
    let found = server.app.store.read(|txn| sign_in::get(txn, id));
    found.expect("it is read").count
}

#[test]
fn ten_failures_lock_for_ten_minutes() {
    let server = without_delay().start();
    let client = server.client();
    fail(&client, 10);
    let (commits, hashes) = (server.app.store.commits(), server.app.passwords.hashes());
    let modified = stored(&server).last_modified;
    for password in ["wrong", PASSWORD] {
        client
            .sign_in("jdoe", password)
            .assert_locked("10 minutes", 600);
    }
    server
        .app
        .clock
        .advance(LOCK - Duration::from_millis(1_500));
    for password in ["wrong", PASSWORD] {
        client
            .sign_in("jdoe", password)
            .assert_locked("1 minute", 2);
    }
    // A locked profile costs neither a hash nor a commit, so that it cannot be kept locked.
    assert_eq!(server.app.store.commits(), commits);
    assert_eq!(server.app.passwords.hashes(), hashes);
    assert_eq!(stored(&server).last_modified, modified);
    server.app.clock.advance(Duration::from_millis(1_500));
    client.sign_in("jdoe", PASSWORD).ticket();
    let count = |event| server.app.audit.count(event);
    assert_eq!(count(Event::FailedSignIn(SignInFailure::WrongPassword)), 10);
    assert_eq!(count(Event::FailedSignIn(SignInFailure::Locked)), 4);
    assert_eq!(count(Event::Lockout), 1);
}

#[test]
fn after_the_lock_one_more_failure_locks_again() {
    let server = without_delay().start();
    let client = server.client();
    fail(&client, 10);
    for _ in 0..2 {
        server.app.clock.advance(LOCK);
        fail(&client, 1);
        client
            .sign_in("jdoe", PASSWORD)
            .assert_locked("10 minutes", 600);
    }
    server.app.clock.advance(LOCK);
    client.sign_in("jdoe", PASSWORD).ticket();
    fail(&client, 9);
    client.sign_in("jdoe", PASSWORD).ticket();
}

#[test]
fn a_success_resets_the_count() {
    let server = without_delay().start();
    let client = server.client();
    for _ in 0..2 {
        fail(&client, 9);
        assert_eq!(failures(&server), 9);
        client.sign_in("jdoe", PASSWORD).ticket();
        assert_eq!(failures(&server), 0);
    }
}

#[test]
fn a_lock_holds_also_for_a_new_password_and_after_the_profile_is_enabled() {
    let server = without_delay().start();
    let client = server.client();
    fail(&client, 10);
    server.update_profile(PROFILE, |profile| {
        profile.password = PasswordHash::parse(COSTLIER);
    });
    client
        .sign_in("jdoe", PASSWORD)
        .assert_locked("10 minutes", 600);
    server.update_profile(PROFILE, |profile| profile.enabled = false);
    server.update_profile(PROFILE, |profile| profile.enabled = true);
    client
        .sign_in("jdoe", PASSWORD)
        .assert_locked("10 minutes", 600);
}

#[test]
fn a_lock_concerns_signing_in_with_a_password_alone() {
    let server = without_delay().start();
    let client = server.client();
    let target = format!(
        "/crafter-profile/api/1/profile/{PROFILE}?{}",
        client.encode(&[])
    );
    fail(&client, 9);
    let before = client.get(&target).body;
    fail(&client, 1);
    client
        .sign_in("jdoe", PASSWORD)
        .assert_locked("10 minutes", 600);
    assert_eq!(client.get(&target).body, before);
    client.create_ticket(PROFILE).ticket();
    client.create(PROFILE).login();
}

#[test]
fn a_lock_is_of_one_profile() {
    let server = without_delay().start();
    let client = server.client();
    server.update_profile(crate::support::fixture::DISABLED_PROFILE, |profile| {
        profile.enabled = true;
    });
    fail(&client, 10);
    client.sign_in("old", PASSWORD).ticket();
    for _ in 0..12 {
        client.sign_in("nobody", PASSWORD).assert_bad_credentials();
    }
}

#[test]
fn failures_and_locks_survive_a_restart() {
    let server = without_delay().start();
    fail(&server.client(), 9);
    let home = server.stop();
    let server = without_delay()
        .home(home)
        .seed(serde_json::json!({}))
        .start();
    assert_eq!(failures(&server), 9);
    fail(&server.client(), 1);
    let home = server.stop();
    let server = without_delay()
        .home(home)
        .seed(serde_json::json!({}))
        .start();
    let response = server.client().sign_in("jdoe", PASSWORD);
    response.assert_locked("10 minutes", 600);
}

#[test]
fn the_numbers_are_settings() {
    let server = without_delay()
        .flag("--sign-in-lock-after=3")
        .flag("--sign-in-lock-time=90s")
        .start();
    let client = server.client();
    fail(&client, 3);
    client
        .sign_in("jdoe", PASSWORD)
        .assert_locked("2 minutes", 90);
    server.app.clock.advance(Duration::from_secs(90));
    client.sign_in("jdoe", PASSWORD).ticket();
    let server = without_delay().flag("--sign-in-lock-time=0s").start();
    let client = server.client();
    fail(&client, 15);
    client.sign_in("jdoe", PASSWORD).ticket();
}

#[test]
fn the_count_goes_with_its_profile() {
    let server = without_delay().start();
    fail(&server.client(), 3);
    let id = stored(&server).id;
    server.delete_profile(PROFILE);
    let left = server.app.store.read(|txn| sign_in::get(txn, id));
    assert_eq!(left.expect("it is read").count, 0);
    server
        .client()
        .sign_in("jdoe", PASSWORD)
        .assert_bad_credentials();
}
