//! Expiry of unused logins: the idle limit, and the walk that removes idle logins.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::{
    Event, LoginKey, ObjectId, PersistentLoginId, jobs, service::persistent_login,
};
use serde_json::json;

use crate::support::client::Client;
use crate::support::fixture::{self, LOGIN, NOW, PROFILE, TOKEN};
use crate::support::server::{Server, Setup, wait_until};

const SECOND: Duration = Duration::from_secs(1);

const MILLISECOND: Duration = Duration::from_millis(1);

fn limited() -> Setup {
    Setup::new().flag("--persistent-login-idle-max=10s")
}

#[test]
fn an_unused_login_expires_at_the_idle_limit_and_not_before() {
    let server = limited().start();
    let client = server.client();
    server.app.clock.advance(10 * SECOND - MILLISECOND);
    client.read(LOGIN).login();
    server.app.clock.advance(MILLISECOND);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    client.refresh(LOGIN).assert_no_such_login(LOGIN);
    client
        .refresh_with(LOGIN, TOKEN)
        .assert_no_such_login(LOGIN);
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    client.delete(LOGIN).assert_empty();
}

#[test]
fn a_refresh_prolongs_a_login_up_to_its_maximum_age() {
    let server = limited().flag("--persistent-login-max-age=25s").start();
    let client = server.client();
    let mut token = TOKEN.to_owned();
    for _ in 0..2 {
        server.app.clock.advance(9 * SECOND);
        token = client.refresh_with(LOGIN, &token).login().token;
    }
    server.app.clock.advance(7 * SECOND - MILLISECOND);
    token = client.refresh_with(LOGIN, &token).login().token;
    server.app.clock.advance(MILLISECOND);
    client
        .refresh_with(LOGIN, &token)
        .assert_no_such_login(LOGIN);
}

#[test]
fn a_read_and_a_grace_response_do_not_prolong_a_login() {
    let server = limited().start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(9 * SECOND);
    client.read(LOGIN).login();
    assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    server.app.clock.advance(SECOND);
    client.read(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn by_default_there_is_no_idle_limit() {
    let server = Server::start();
    server
        .app
        .clock
        .advance(Duration::from_secs(1_296_000) - MILLISECOND);
    server.client().read(LOGIN).login();
}

/// The ids of seven logins, all created at [`NOW`].
fn ids() -> Vec<String> {
    (1..=7)
        .map(|number| format!("00000000-0000-4000-8000-{number:012}"))
        .collect()
}

/// A server with only the logins of [`ids`], all of which have reached the idle limit except those at
/// the indexes in `used`, which were used ten seconds ago.
fn server_with(setup: Setup, used: &[usize]) -> Server {
    let logins: Vec<_> = ids()
        .iter()
        .map(|id| fixture::login(id, TOKEN, PROFILE, "default", NOW))
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    let server = setup
        .seed(seed)
        .flag("--persistent-login-idle-max=20s")
        .start();
    server.app.clock.advance(10 * SECOND);
    for index in used {
        server.client().refresh(&ids()[*index]).login();
    }
    server.app.clock.advance(10 * SECOND);
    server
}

/// Those [`ids`] that a server without an idle limit finds in the data of `server`.
fn remaining(server: Server) -> Vec<String> {
    let server = Setup::new().home(server.stop()).start();
    let client: Client = server.client();
    let mut ids = ids();
    ids.retain(|id| client.read(id).status == 200);
    ids
}

/// The key of the login with this index.
fn key(number: usize) -> Option<LoginKey> {
    let (profile_id, id) = (
        ObjectId::parse(PROFILE)?,
        PersistentLoginId::parse(&ids()[number])?,
    );
    Some(LoginKey { profile_id, id })
}

#[test]
fn the_walk_removes_idle_logins_in_bounded_steps_and_resumes() {
    let setup = Setup::new().flag("--cleaner-walk-max=3");
    let server = server_with(setup, &[1, 5]);
    let walk = |after| {
        server
            .block_on(persistent_login::delete_idle(&server.app, after))
            .expect("the storage works")
    };
    let expired = || {
        server.wait_for_writer();
        server.app.audit.count(Event::Expiry)
    };
    let commits = server.app.store.commits();
    assert_eq!((walk(None), expired()), (key(2), 2));
    assert_eq!((walk(key(2)), expired()), (key(5), 4));
    assert_eq!((walk(key(5)), expired()), (None, 5));
    // One transaction for each step, and none for a step without idle logins.
    assert_eq!(server.app.store.commits(), commits + 3);
    assert_eq!((walk(None), expired()), (None, 5));
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits + 3);
    assert_eq!(remaining(server), [ids()[1].clone(), ids()[5].clone()]);
}

#[test]
fn a_step_is_split_into_transactions_of_a_bounded_size() {
    let setup = Setup::new().flag("--cleaner-batch-max=2");
    let server = server_with(setup, &[]);
    let commits = server.app.store.commits();
    let position = server.block_on(persistent_login::delete_idle(&server.app, None));
    assert_eq!(position, Ok(None));
    assert_eq!(server.app.store.commits(), commits + 4);
    assert!(remaining(server).is_empty());
}

#[test]
fn the_walk_removes_logins_at_the_limit_and_not_before() {
    let server = server_with(Setup::new(), &[3]);
    let walk = || server.block_on(persistent_login::delete_idle(&server.app, None));
    assert_eq!(walk(), Ok(None));
    server.app.clock.advance(10 * SECOND - MILLISECOND);
    assert_eq!(walk(), Ok(None));
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::Expiry), 6);
    server.app.clock.advance(MILLISECOND);
    assert_eq!(walk(), Ok(None));
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::Expiry), 7);
}

#[test]
fn the_background_job_walks_in_steps_and_starts_again() {
    let setup = Setup::new()
        .flag("--cleaner-walk-max=2")
        .flag("--cleaner-interval=1ms");
    let server = server_with(setup, &[0, 6]);
    server.spawn(jobs::run(Arc::clone(&server.app)));
    let removed = |count| {
        wait_until("the idle logins are removed", || {
            server.app.audit.count(Event::Expiry) == count
        });
    };
    removed(5);
    server.app.clock.advance(10 * SECOND);
    removed(7);
    assert!(remaining(server).is_empty());
}
