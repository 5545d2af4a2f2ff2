//! The maximum number of logins of a profile.

use std::time::Duration;

use rememberd::testing::{Event, Reason};

use crate::support::client::Client;
use crate::support::concurrency::together;
use crate::support::fixture::{ACME_LOGIN, ACME_PROFILE, DISABLED_PROFILE, LOGIN, PROFILE, TOKEN};
use crate::support::server::{Server, Setup};

const SECOND: Duration = Duration::from_secs(1);

/// A server on which a profile has at most `cap` logins.
fn capped(cap: usize) -> Setup {
    Setup::new().flag(&format!("--logins-per-profile-max={cap}"))
}

/// Advances the clock by a second and creates a login.
fn create(server: &Server) -> String {
    server.app.clock.advance(SECOND);
    server.client().create(PROFILE).login().id
}

fn ids(client: &Client) -> Vec<String> {
    client.by_profile(PROFILE, "").listed_ids()
}

fn evictions(server: &Server) -> u64 {
    server.wait_for_writer();
    server.app.audit.count(Event::Revocation(Reason::Cap))
}

#[test]
fn at_the_cap_the_least_recently_used_login_is_revoked() {
    let server = capped(3).start();
    let client = server.client();
    let (one, two) = (create(&server), create(&server));
    assert_eq!(ids(&client), [&two, &one, LOGIN]);
    assert_eq!(evictions(&server), 0);
    let commits = server.app.store.commits();
    let three = create(&server);
    assert_eq!(server.app.store.commits(), commits + 1);
    assert_eq!(ids(&client), [three.as_str(), &two, &one]);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    // Its token is not found, and does not count as reused.
    client
        .refresh_with(LOGIN, TOKEN)
        .assert_no_such_login(LOGIN);
    assert_eq!(evictions(&server), 1);
    let four = create(&server);
    assert_eq!(ids(&client), [four.as_str(), &three, &two]);
    assert_eq!(evictions(&server), 2);
}

#[test]
fn a_rotation_counts_as_a_use_and_a_read_does_not() {
    let server = capped(3).start();
    let client = server.client();
    let (one, two) = (create(&server), create(&server));
    server.app.clock.advance(SECOND);
    client.refresh_with(LOGIN, TOKEN).login();
    client.read(&one).login();
    let three = create(&server);
    assert_eq!(ids(&client), [&three, LOGIN, &two]);
    client.read(&one).assert_no_such_login(&one);
}

#[test]
fn a_cap_of_one_keeps_the_newest() {
    let server = capped(1).start();
    for _ in 0..3 {
        let newest = create(&server);
        assert_eq!(ids(&server.client()), [newest]);
    }
    assert_eq!(evictions(&server), 3);
}

#[test]
fn the_cap_applies_to_each_profile() {
    let server = capped(2).start();
    let client = server.client();
    for _ in 0..3 {
        create(&server);
    }
    assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
    client.create(ACME_PROFILE).login();
    assert_eq!(client.by_profile(ACME_PROFILE, "").list().len(), 2);
    assert_eq!(client.by_profile(DISABLED_PROFILE, "").list().len(), 1);
}

#[test]
fn a_refused_creation_revokes_nothing() {
    let server = capped(1).start();
    let client = server.client();
    let long = "x".repeat(101);
    client
        .create_with(PROFILE, &[("label", &long)])
        .assert_bad_parameter("label");
    server.update_profile(PROFILE, |profile| profile.enabled = false);
    client
        .create(PROFILE)
        .assert_disabled_profile(PROFILE, "default");
    server.update_profile(PROFILE, |profile| profile.enabled = true);
    assert_eq!(ids(&client), [LOGIN]);
    assert_eq!(evictions(&server), 0);
}

#[test]
fn a_lowered_cap_applies_at_the_next_creation() {
    let server = Server::start();
    let last = (0..5).map(|_| create(&server)).last().expect("five");
    assert_eq!(ids(&server.client()).len(), 6);
    let now = server.app.clock.now();
    let server = capped(2).home(server.stop()).at(now).start();
    assert_eq!(ids(&server.client()).len(), 6);
    let newest = create(&server);
    assert_eq!(ids(&server.client()), [newest, last]);
    assert_eq!(evictions(&server), 5);
}

#[test]
fn an_expired_login_does_not_count() {
    let server = capped(2).flag("--persistent-login-max-age=10s").start();
    let client = server.client();
    let one = create(&server);
    // It is used last and is the first to expire.
    server.app.clock.advance(8 * SECOND);
    client.refresh(LOGIN).login();
    let two = create(&server);
    assert_eq!(ids(&client), [two, one]);
    assert_eq!(evictions(&server), 0);
    assert_eq!(server.app.audit.count(Event::Expiry), 1);
}

#[test]
fn parallel_creations_never_exceed_the_cap() {
    const CREATIONS: usize = 32;
    let server = capped(3).start();
    let created = together(&server, CREATIONS, |client| {
        let id = client.create(PROFILE).login().id;
        assert!(client.by_profile(PROFILE, "").list().len() <= 3);
        id
    });
    let listed = ids(&server.client());
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|id| id == LOGIN || created.contains(id)));
    assert_eq!(evictions(&server), CREATIONS as u64 + 1 - 3);
}

#[test]
fn by_default_there_is_no_cap() {
    let server = Server::start();
    for _ in 0..40 {
        server.client().create(PROFILE).login();
    }
    assert_eq!(ids(&server.client()).len(), 41);
    assert_eq!(evictions(&server), 0);
}
