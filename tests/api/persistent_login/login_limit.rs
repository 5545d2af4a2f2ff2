//! The maximum number of logins of a profile.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::{Caller, Config, Device, Event, Reason, jobs, service::persistent_login};
use serde_json::json;

use crate::support::client::Client;
use crate::support::concurrency::together;
use crate::support::fixture::{
    self, ACME_LOGIN, ACME_PROFILE, ADMIN, DISABLED_PROFILE, LOGIN, NOW, PROFILE, TOKEN,
};
use crate::support::server::{Server, Setup, wait_until};

const CAP: Event = Event::Revocation(Reason::Cap);

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

fn ids_of_many(client: &Client) -> Vec<String> {
    client.by_profile(PROFILE, "&count=1000").listed_ids()
}

fn evictions(server: &Server) -> u64 {
    server.wait_for_writer();
    server.app.audit.count(CAP)
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
    client
        .create_with(PROFILE, &[("extended", "perhaps")])
        .assert_bad_parameter("extended");
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
    let now = server.app.clock.now().time();
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
    assert_eq!(
        server.app.audit.count(Event::Expiry),
        0,
        "that is up to the cleaner"
    );
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

/// The id of a login that was imported, the first of them created first.
fn imported(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// With `count` imported logins of [`PROFILE`] and no other, each created a second after the one before.
fn crowded(setup: Setup, count: usize) -> Setup {
    let logins: Vec<_> = (0..count)
        .map(|number| {
            let created = NOW.plus(number as u32 * SECOND);
            fixture::login(&imported(number), TOKEN, PROFILE, "default", created)
        })
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    setup.seed(seed).at(NOW.plus(count as u32 * SECOND))
}

/// The numbers of those imported logins that still exist.
fn left(server: &Server, count: usize) -> Vec<usize> {
    let client = server.client();
    let exists = |number: &usize| client.read(&imported(*number)).status == 200;
    (0..count).filter(exists).collect()
}

#[test]
fn the_default_cap_is_a_thousand() {
    let server = crowded(Setup::new(), 1_000).start();
    let client = server.client();
    // The oldest one is used again.
    client.refresh(&imported(0)).login();
    let created = create(&server);
    client.read(&imported(1)).assert_no_such_login(&imported(1));
    for id in [&imported(0), &imported(2), &created] {
        client.read(id).login();
    }
    assert_eq!(evictions(&server), 1);
}

#[test]
fn a_cap_beyond_ten_thousand_is_refused() {
    for invalid in ["0", "10001", "many"] {
        let flag = format!("--logins-per-profile-max={invalid}");
        let error = Config::from_flags(&[&flag]).expect_err("it is invalid");
        let range = "it must be a whole number from 1 to 10000";
        assert!(error.to_string().contains(range), "{error}");
    }
    assert!(Config::from_flags(&["--logins-per-profile-max=10000"]).is_ok());
}

#[test]
fn what_is_far_beyond_the_cap_is_worked_off_by_later_creations() {
    const IMPORTED: usize = 150;
    let server = crowded(capped(100), IMPORTED).start();
    let commits = server.app.store.commits();
    create(&server);
    assert_eq!(server.app.store.commits(), commits + 1);
    assert_eq!(evictions(&server), 16, "never all by one creation");
    assert_eq!(left(&server, IMPORTED), Vec::from_iter(16..IMPORTED));
    for _ in 0..10 {
        create(&server);
    }
    assert_eq!(ids_of_many(&server.client()).len(), 100);
    assert_eq!(
        left(&server, IMPORTED),
        Vec::from_iter(IMPORTED - 89..IMPORTED)
    );
}

#[test]
fn expired_logins_of_a_crowd_take_no_places() {
    const IMPORTED: usize = 100;
    let setup = capped(80).flag("--persistent-login-max-age=50s");
    let server = crowded(setup, IMPORTED).start();
    // 49 are valid still, and expired ones are left to the cleaner.
    for _ in 0..31 {
        server.client().create(PROFILE).login();
    }
    assert_eq!(evictions(&server), 0);
    server.client().create(PROFILE).login();
    assert_eq!(evictions(&server), 1);
    assert_eq!(
        left(&server, IMPORTED),
        Vec::from_iter(IMPORTED - 48..IMPORTED)
    );
}

#[test]
fn a_login_that_is_used_meanwhile_is_not_ended() {
    const IMPORTED: usize = 100;
    let server = crowded(capped(IMPORTED), IMPORTED).start();
    server.app.clock.advance(SECOND);
    let caller = || Caller::new(Some(ADMIN.to_owned()));
    let held = server.hold_writer();
    let refresh = persistent_login::refresh(&server.app, caller(), imported(0), None);
    let mut refresh = pin!(refresh);
    assert!(server.begin(refresh.as_mut()).is_pending());
    let profile = PROFILE.to_owned();
    let create = persistent_login::create(&server.app, caller(), profile, Device::default());
    let mut create = pin!(create);
    // It reads the logins, and is then queued behind the refresh.
    assert!(server.begin(create.as_mut()).is_pending());
    drop(held);
    server.block_on(refresh).expect("it is rotated");
    server.block_on(create).expect("it is created");
    let expected: Vec<_> = [0].into_iter().chain(2..IMPORTED).collect();
    assert_eq!(left(&server, IMPORTED), expected);
}

#[test]
fn parallel_creations_of_a_crowded_profile_never_exceed_the_cap() {
    const IMPORTED: usize = 100;
    const CREATIONS: usize = 32;
    let server = crowded(capped(IMPORTED), IMPORTED).start();
    let created = together(&server, CREATIONS, |client| {
        client.create(PROFILE).login().id
    });
    let listed = ids_of_many(&server.client());
    assert_eq!(listed.len(), IMPORTED);
    assert!(created.iter().all(|id| listed.contains(id)));
    assert_eq!(left(&server, IMPORTED), Vec::from_iter(CREATIONS..IMPORTED));
}

#[test]
fn the_cleaner_works_off_what_is_beyond_the_cap() {
    const IMPORTED: usize = 150;
    let setup = capped(100)
        .flag("--cleaner-walk-max=7")
        .flag("--cleaner-batch-max=8")
        .flag("--cleaner-interval=1ms");
    let server = crowded(setup, IMPORTED).start();
    // The one created first was used last.
    server.client().refresh(&imported(0)).login();
    let commits = server.app.store.commits();
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("the surplus is removed", || {
        server.app.audit.count(CAP) == IMPORTED as u64 - 100
    });
    assert!(server.app.store.commits() >= commits + 50 / 8);
    let expected: Vec<_> = [0].into_iter().chain(51..IMPORTED).collect();
    assert_eq!(left(&server, IMPORTED), expected);
}
