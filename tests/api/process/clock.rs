//! A host whose clock is wrong after a restart.

use std::sync::Arc;
use std::time::Duration;

use rememberd::testing::jobs;

use crate::support::fixture::{LOGIN, NOW, PROFILE, first_login};
use crate::support::server::{Server, Setup, wait_until};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The next start of a server on the data of `server`, with the clock a year before [`NOW`].
fn restarted_in_the_past(server: Server) -> Server {
    let server = Setup::new().home(server.stop()).at(NOW.minus(YEAR)).start();
    jobs::restore(&server.app).expect("the saved time is read");
    server
}

#[test]
fn the_clock_continues_from_the_newest_saved_time() {
    let server = Server::start();
    server.app.clock.advance(Duration::from_secs(10));
    server
        .block_on(jobs::save(&server.app))
        .expect("the time is saved");
    let server = restarted_in_the_past(server);
    let client = server.client();
    assert_eq!(client.read(LOGIN).login(), first_login());
    let created = client.create(PROFILE).login();
    assert_eq!(created.timestamp, NOW.as_millis() + 10_000);
    // If the clock had continued from a year ago, both would live a year too long.
    server
        .app
        .clock
        .advance(Duration::from_secs(1_296_000 - 10));
    client.read(LOGIN).assert_no_such_login(LOGIN);
    assert_eq!(client.read(&created.id).login(), created);
}

#[test]
fn a_clock_ahead_of_the_newest_saved_time_is_used() {
    let server = Server::start();
    server
        .block_on(jobs::save(&server.app))
        .expect("the time is saved");
    let tomorrow = NOW.plus(Duration::from_secs(86_400));
    let server = Setup::new().home(server.stop()).at(tomorrow).start();
    jobs::restore(&server.app).expect("the saved time is read");
    let created = server.client().create(PROFILE).login();
    assert_eq!(created.timestamp, tomorrow.as_millis());
}

#[test]
fn the_background_job_saves_the_newest_time_after_a_change() {
    let server = Setup::new().flag("--clock-save-interval=1ms").start();
    server.spawn(jobs::run(Arc::clone(&server.app)));
    wait_until("the time is saved after the seed", || {
        server.app.store.commits() == 2
    });
    server.app.clock.advance(Duration::from_secs(10));
    server.client().refresh(LOGIN).login();
    wait_until("the time is saved after the refresh", || {
        server.app.store.commits() == 4
    });
    let server = restarted_in_the_past(server);
    let created = server.client().create(PROFILE).login();
    assert_eq!(created.timestamp, NOW.as_millis() + 10_000);
}

#[test]
fn without_a_saved_time_the_clock_is_unchanged() {
    let server = Server::start();
    jobs::restore(&server.app).expect("there is none");
    assert_eq!(server.app.clock.now(), NOW);
}
