//! Expiry of logins: their age, their profile, and the cleaner.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::{Event, Timestamp, jobs, service::persistent_login};
use serde_json::json;

use crate::support::client::Client;
use crate::support::fixture::{
    self, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NOW, POWERLESS, PROFILE, TOKEN, first_login,
};
use crate::support::server::{Server, Setup, wait_until};

/// The contract's age of a persistent login.
const MAX_AGE: Duration = Duration::from_secs(1_296_000);

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn a_login_expires_at_its_maximum_age_and_not_before() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(MAX_AGE - MILLISECOND);
    assert_eq!(client.read(LOGIN).login(), first_login());
    client.refresh(LOGIN).login();
    let powerless = client.with_token(POWERLESS);
    powerless
        .delete(LOGIN)
        .assert_denied("MANAGE_TICKETS", "default");
    server.app.clock.advance(MILLISECOND);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    client.refresh(LOGIN).assert_no_such_login(LOGIN);
    powerless.delete(LOGIN).assert_empty();
}

#[test]
fn a_refresh_does_not_prolong_a_login() {
    let server = Server::start();
    let client = server.client();
    for _ in 0..4 {
        server.app.clock.advance(MAX_AGE / 5);
        assert_eq!(client.refresh(LOGIN).login().timestamp, NOW.as_millis());
    }
    server.app.clock.advance(MAX_AGE / 5);
    client.refresh(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn the_maximum_age_counts_from_creation_and_is_configurable() {
    let server = Setup::new().flag("--persistent-login-max-age=10s").start();
    let client = server.client();
    server.app.clock.advance(Duration::from_secs(6));
    let late = client.create(PROFILE).login();
    server.app.clock.advance(Duration::from_secs(4));
    client.read(LOGIN).assert_no_such_login(LOGIN);
    assert_eq!(client.read(&late.id).login(), late);
    server.app.clock.advance(Duration::from_secs(6));
    client.read(&late.id).assert_no_such_login(&late.id);
}

#[test]
fn the_login_of_a_deleted_profile_is_not_found() {
    let server = Server::start();
    let client = server.client();
    server.delete_profile(PROFILE);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    client.refresh(LOGIN).assert_no_such_login(LOGIN);
    client.delete(LOGIN).assert_empty();
    client.create(PROFILE).assert_no_such_profile(PROFILE);
}

#[test]
fn the_login_of_a_disabled_profile_is_not_refreshed() {
    let server = Server::start();
    let client = server.client();
    server.update_profile(PROFILE, |profile| profile.enabled = false);
    let refused = client.refresh(LOGIN);
    refused.assert_disabled_profile(PROFILE, "default");
    client
        .create(PROFILE)
        .assert_disabled_profile(PROFILE, "default");
    assert_eq!(client.read(LOGIN).login(), first_login());
    server.update_profile(PROFILE, |profile| profile.enabled = true);
    client.refresh(LOGIN).login();
}

#[test]
fn the_login_of_a_disabled_profile_can_be_deleted() {
    let server = Server::start();
    let client = server.client();
    let refused = client.refresh(DISABLED_LOGIN);
    refused.assert_disabled_profile(DISABLED_PROFILE, "default");
    client.delete(DISABLED_LOGIN).assert_empty();
    client
        .read(DISABLED_LOGIN)
        .assert_no_such_login(DISABLED_LOGIN);
}

/// The ids of logins that were created one, two, … seconds after [`NOW`].
fn ids() -> Vec<String> {
    (1..=7)
        .map(|number| format!("00000000-0000-4000-8000-{number:012}"))
        .collect()
}

/// A server with only the logins of [`ids`], whose maximum age is ten seconds.
fn setup() -> Setup {
    let logins: Vec<_> = (1..)
        .zip(ids())
        .map(|(second, id)| {
            let created = NOW.plus(Duration::from_secs(second));
            fixture::login(&id, TOKEN, PROFILE, "default", created)
        })
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    Setup::new()
        .seed(seed)
        .flag("--persistent-login-max-age=10s")
        .flag("--cleaner-batch-max=2")
}

/// Those [`ids`] that a server with the default maximum age finds in the data of `server`.
fn remaining(server: Server) -> Vec<String> {
    let server = Setup::new().home(server.stop()).start();
    let client: Client = server.client();
    let mut ids = ids();
    ids.retain(|id| client.read(id).status == 200);
    ids
}

#[test]
fn the_cleaner_removes_expired_logins_in_bounded_transactions() {
    let server = setup().start();
    server.app.clock.advance(Duration::from_secs(15));
    let commits = server.app.store.commits();
    let counts = [2, 2, 1, 0].map(|expected| {
        let removed = server.block_on(persistent_login::delete_expired(&server.app));
        (removed, Ok(expected))
    });
    for (removed, expected) in counts {
        assert_eq!(removed, expected);
    }
    assert_eq!(server.app.store.commits(), commits + 3);
    assert_eq!(remaining(server), ids()[5..]);
}

#[test]
fn a_login_is_removed_at_its_maximum_age_and_not_before() {
    let server = setup().start();
    let clean = || server.block_on(persistent_login::delete_expired(&server.app));
    server
        .app
        .clock
        .advance(Duration::from_secs(11) - MILLISECOND);
    assert_eq!(clean(), Ok(0));
    server.app.clock.advance(MILLISECOND);
    assert_eq!(clean(), Ok(1));
    assert_eq!(remaining(server), ids()[1..]);
}

#[test]
fn the_background_job_removes_all_expired_logins_at_start() {
    let server = setup().flag("--cleaner-interval=1h").start();
    server.app.clock.advance(Duration::from_secs(15));
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("all expired logins are removed", || {
        server.app.audit.count(Event::Expiry) == 5
    });
    assert_eq!(remaining(server), ids()[5..]);
}

#[test]
fn a_login_created_before_the_epoch_expires_too() {
    let mut seed = fixture::seed();
    let created = Timestamp::from_millis(-5_000);
    seed["persistentlogin"] = json!([fixture::login(LOGIN, TOKEN, PROFILE, "default", created)]);
    let server = Setup::new()
        .seed(seed)
        .at(created)
        .flag("--persistent-login-max-age=10s")
        .start();
    server.app.clock.advance(Duration::from_millis(9_999));
    assert_eq!(server.client().read(LOGIN).login().timestamp, -5_000);
    server.app.clock.advance(MILLISECOND);
    server.client().read(LOGIN).assert_no_such_login(LOGIN);
    let removed = server.block_on(persistent_login::delete_expired(&server.app));
    assert_eq!(removed, Ok(1));
}
