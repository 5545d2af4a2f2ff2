//! Coalescing: refreshes without a token soon after a rotation return the same login.

use std::time::Duration;

use rememberd::testing::Event;

use crate::support::concurrency::{distinct, together};
use crate::support::fixture::{LOGIN, PROFILE, TOKEN, first_login};
use crate::support::server::{Server, Setup};

const WINDOW: Duration = Duration::from_secs(5);

const MILLISECOND: Duration = Duration::from_millis(1);

fn server() -> Server {
    Setup::new().flag("--coalesce-refreshes=5s").start()
}

#[test]
fn within_the_window_the_same_login_is_returned_without_a_commit() {
    let server = server();
    let client = server.client();
    let refreshed = client.refresh(LOGIN).login();
    let commits = server.app.store.commits();
    // The window starts at the rotation, not at the last response, and includes its last millisecond.
    for step in [Duration::ZERO, WINDOW / 2, WINDOW / 2] {
        server.app.clock.advance(step);
        assert_eq!(client.refresh(LOGIN).login(), refreshed);
    }
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits);
    server.app.clock.advance(MILLISECOND);
    let next = client.refresh(LOGIN).login();
    assert_ne!(next.token, refreshed.token);
    assert_eq!(client.refresh(LOGIN).login(), next);
    server.app.clock.advance(WINDOW + MILLISECOND);
    assert_eq!(client.read(LOGIN).login(), next);
}

#[test]
fn a_read_within_the_window_returns_the_token_that_was_replaced() {
    let server = server();
    let client = server.client();
    for _ in 0..3 {
        let before = client.read(LOGIN).login();
        let after = client.refresh(LOGIN).login();
        assert_ne!(after.token, before.token);
        for step in [Duration::ZERO, WINDOW / 2, WINDOW / 2] {
            server.app.clock.advance(step);
            assert_eq!(client.read(LOGIN).login(), before);
            assert_eq!(client.refresh(LOGIN).login(), after);
        }
        server.app.clock.advance(MILLISECOND);
        assert_eq!(client.read(LOGIN).login(), after);
    }
}

#[test]
fn a_read_after_a_refresh_with_a_token_returns_the_current_one() {
    let server = server();
    let client = server.client();
    let after = client.refresh_with(LOGIN, TOKEN).login();
    assert_eq!(client.read(LOGIN).login(), after);
    // Also where a refresh without one got its result.
    assert_eq!(client.refresh(LOGIN).login(), after);
    assert_eq!(client.read(LOGIN).login(), after);
}

#[test]
fn a_creation_does_not_count_as_a_rotation() {
    let server = server();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let refreshed = client.refresh(&created.id).login();
    assert_ne!(refreshed.token, created.token);
    assert_eq!(client.refresh(&created.id).login(), refreshed);
    assert_ne!(client.refresh(LOGIN).login().token, TOKEN);
}

#[test]
fn each_login_has_a_window_of_its_own() {
    let server = server();
    let client = server.client();
    let other = client.create(PROFILE).login();
    client.refresh(LOGIN).login();
    server.app.clock.advance(WINDOW);
    let refreshed = client.refresh(&other.id).login();
    assert_ne!(refreshed.token, other.token);
    server.app.clock.advance(MILLISECOND);
    let first = client.refresh(LOGIN).login();
    assert_eq!(client.refresh(&other.id).login(), refreshed);
    assert_eq!(client.refresh(LOGIN).login(), first);
}

#[test]
fn the_current_token_is_rotated_within_the_window_too() {
    let server = server();
    let client = server.client();
    let one = client.refresh(LOGIN).login();
    let two = client.refresh_with(LOGIN, &one.token).login();
    assert_ne!(two.token, one.token);
    // The window starts again at that rotation.
    assert_eq!(client.refresh(LOGIN).login(), two);
}

#[test]
fn by_default_each_refresh_rotates() {
    let server = Server::start();
    let client = server.client();
    let one = client.refresh(LOGIN).login();
    assert_ne!(client.refresh(LOGIN).login().token, one.token);
}

#[test]
fn a_disabled_profile_is_refused_within_the_window() {
    let server = server();
    let client = server.client();
    client.refresh(LOGIN).login();
    server.update_profile(PROFILE, |profile| profile.enabled = false);
    client
        .refresh(LOGIN)
        .assert_disabled_profile(PROFILE, "default");
}

#[test]
fn parallel_refreshes_return_the_same_token_after_one_rotation() {
    const REFRESHES: usize = 32;
    let server = server();
    let logins = together(&server, REFRESHES, |client| client.refresh(LOGIN).login());
    assert_eq!(distinct(logins.iter().map(|login| &login.token)), 1);
    assert_ne!(logins[0], first_login());
    assert_eq!(server.client().read(LOGIN).login(), first_login());
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::Rotation), 1);
    let coalesced = server.app.audit.count(Event::Coalesced);
    assert_eq!(coalesced, REFRESHES as u64 - 1);
}
