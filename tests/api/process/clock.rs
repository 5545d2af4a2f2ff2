//! A host whose clock is wrong.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::{Event, Timestamp, jobs, service::persistent_login};
use serde_json::Value;

use crate::support::fixture::{LOGIN, NOW, PROFILE, TOKEN, first_login};
use crate::support::server::{Server, Setup, wait_until};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The contract's age of a persistent login.
const MAX_AGE: Duration = Duration::from_secs(1_296_000);

/// A server that has begun with what its database remembers of the time, on a host whose clock shows `wall`.
fn started(setup: Setup, wall: Timestamp) -> Server {
    let server = setup.at(wall).start();
    server
        .block_on(jobs::start(&server.app))
        .expect("the saved time is read");
    server
}

/// The next start of a server on the data of `server` after a clean stop and a boot of the host, whose clock shows
/// `wall`.
fn booted(server: Server, wall: Timestamp) -> Server {
    server
        .block_on(jobs::stop(&server.app))
        .expect("the time is saved");
    started(Setup::new().home(server.stop()), wall)
}

/// Has the server look at the host's clock once it shows `wall`.
fn show(server: &Server, wall: Timestamp, is_synchronized: bool) {
    server.app.clock.set_host_clock(wall, is_synchronized);
    server
        .block_on(jobs::check_clock(&server.app))
        .expect("a correction is saved");
}

fn created_now(server: &Server) -> i64 {
    server.client().create(PROFILE).login().timestamp
}

#[test]
fn the_clock_continues_from_the_newest_saved_time() {
    let server = Server::start();
    server.app.clock.advance(10 * SECOND);
    let server = booted(server, NOW.minus(YEAR));
    let client = server.client();
    assert_eq!(client.read(LOGIN).login(), first_login());
    let created = client.create(PROFILE).login();
    assert_eq!(created.timestamp, NOW.as_millis() + 10_000);
    // If the clock had continued from a year ago, both would live a year too long.
    server.app.clock.advance(MAX_AGE - 10 * SECOND);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    assert_eq!(client.read(&created.id).login(), created);
}

#[test]
fn a_clock_ahead_of_the_newest_saved_time_is_used() {
    let tomorrow = NOW.plus(DAY);
    let server = booted(Server::start(), tomorrow);
    assert_eq!(created_now(&server), tomorrow.as_millis());
}

#[test]
fn the_time_is_saved_again_and_again_even_if_nothing_is_written() {
    let server = started(Setup::new().flag("--clock-save-interval=1s"), NOW);
    server.spawn(jobs::run(Arc::clone(&server.app)));
    server.app.clock.advance(10 * SECOND);
    let commits = server.app.store.commits();
    wait_until("the time is saved twice", || {
        server.app.store.commits() >= commits + 2
    });
    // Nothing is saved at the stop.
    let server = started(Setup::new().home(server.stop()), NOW.minus(YEAR));
    assert_eq!(created_now(&server), NOW.as_millis() + 10_000);
}

#[test]
fn without_a_saved_time_the_clock_of_the_host_is_used() {
    let server = started(Setup::new(), NOW);
    assert_eq!(server.app.clock.now().time(), NOW);
}

#[test]
fn a_jump_of_the_clock_neither_expires_nor_deletes_and_leaves_no_wrong_time() {
    let server = started(Setup::new().flag("--expired-kept-for=1ms"), NOW);
    let client = server.client();
    show(&server, NOW.plus(10 * YEAR), false);
    server.app.clock.advance(300 * SECOND);
    show(&server, NOW.plus(10 * YEAR + 300 * SECOND), false);
    let created = client.create(PROFILE).login();
    assert_eq!(created.timestamp, NOW.as_millis() + 300_000);
    let token = client.refresh(LOGIN).login().token;
    let removed = server.block_on(persistent_login::delete_expired(&server.app));
    assert_eq!(removed, Ok(0));
    let server = booted(server, NOW.plus(10 * YEAR + 301 * SECOND));
    let client = server.client();
    let removed = server.block_on(persistent_login::delete_expired(&server.app));
    assert_eq!(removed, Ok(0));
    assert_eq!(client.read(LOGIN).login().token, token);
    show(&server, NOW.plus(302 * SECOND), true);
    assert_eq!(created_now(&server), NOW.as_millis() + 302_000);
    assert_eq!(client.read(&created.id).login(), created);
}

#[test]
fn what_was_recorded_while_the_clock_was_behind_keeps_its_age_and_its_grace() {
    let server = booted(Server::start(), NOW.minus(20 * YEAR));
    let client = server.client();
    let created = client.create(PROFILE).login();
    client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(10 * SECOND);
    // It is set right by three weeks, in which the first login has expired.
    let weeks = 21 * DAY;
    show(&server, NOW.plus(weeks + 10 * SECOND), true);
    let found = client.read(&created.id).login();
    assert_eq!(found.timestamp, created.timestamp + 21 * 86_400_000);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    let next = client.refresh_with(&created.id, &created.token).login();
    server.app.clock.advance(10 * SECOND);
    let again = client.refresh_with(&created.id, &created.token).login();
    assert_eq!(again.token, next.token);
    let server = booted(server, NOW.plus(weeks + 20 * SECOND));
    server.app.clock.advance(MAX_AGE - 21 * SECOND);
    let client = server.client();
    assert_eq!(client.read(&created.id).login().token, next.token);
    server.app.clock.advance(SECOND);
    client.read(&created.id).assert_no_such_login(&created.id);
}

#[test]
fn what_a_clock_that_stays_ahead_expires_is_back_once_it_is_set_right() {
    let server = Server::start();
    server
        .block_on(jobs::stop(&server.app))
        .expect("the time is saved");
    let setup = Setup::new().home(server.stop());
    // The logins are of an earlier run: those of this one are as old as it, whatever the clock shows.
    let server = started(setup.flag("--expired-kept-for=1h"), NOW.plus(SECOND));
    let client = server.client();
    let of_this_run = client.create(PROFILE).login().id;
    server.app.clock.advance(2 * HOUR);
    let mut wall = NOW.plus(YEAR);
    let pass = |step: Duration, wall: Timestamp| {
        server.app.clock.advance(step);
        let wall = wall.plus(step);
        show(&server, wall, false);
        wall
    };
    wall = pass(SECOND, wall);
    assert_eq!(client.read(LOGIN).status, 200);
    wall = pass(600 * SECOND, wall);
    client.read(LOGIN).assert_no_such_login(LOGIN);
    assert_eq!(client.read(&of_this_run).status, 200);
    let clean = || server.block_on(persistent_login::delete_expired(&server.app));
    let _ = pass(HOUR - SECOND, wall);
    assert_eq!(
        clean(),
        Ok(0),
        "less than an hour has passed since the jump"
    );
    let passed = 3 * HOUR + 600 * SECOND;
    show(&server, NOW.plus(passed), true);
    assert_eq!(client.read(LOGIN).status, 200);
    assert_eq!(created_now(&server), NOW.plus(passed).as_millis());
    // And if it is not set right, it is deleted after an hour.
    show(&server, NOW.plus(passed + YEAR), true);
    server.app.clock.advance(HOUR);
    assert_eq!(clean(), Ok(3));
    wait_until("it is recorded", || {
        server.app.audit.count(Event::Expiry) == 3
    });
    assert_eq!(client.read(&of_this_run).status, 200);
}

#[test]
fn readiness_shows_how_far_the_clock_is_believed() {
    let server = started(Setup::new(), NOW);
    let clock = || {
        let body = server.client().get("/health/ready").body;
        let body: Value = serde_json::from_str(&body).expect("it is JSON");
        body["clock"].to_string()
    };
    show(&server, NOW, true);
    let expected = r#"{"agrees":true,"hostAheadMillis":0,"synchronized":true}"#;
    assert_eq!(clock(), expected);
    show(&server, NOW.plus(DAY), false);
    let expected = r#"{"agrees":false,"hostAheadMillis":86400000,"synchronized":false}"#;
    assert_eq!(clock(), expected);
}
