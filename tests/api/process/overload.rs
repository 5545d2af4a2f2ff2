//! The writer's queue when it is full, and writes that time out.

use crate::support::client::Response;
use crate::support::fixture::{LOGIN, NO_LOGIN, POWERLESS, PROFILE, first_login};
use crate::support::server::{Server, Setup};

/// A server whose writer's queue has a capacity of two.
fn server() -> Server {
    Setup::new().flag("--queue-jobs-max=2").start()
}

#[track_caller]
fn assert_unavailable(response: &Response, message: &str) {
    response.assert_error(503, "OTHER", message);
    assert_eq!(response.header("retry-after"), "1");
}

#[test]
fn a_full_queue_refuses_writes_without_applying_them() {
    let server = server();
    let client = server.client();
    let held = server.hold_writer();
    assert!(server.queue_job() && server.queue_job());
    let message = "The server is overloaded; nothing was changed";
    assert_unavailable(&client.refresh(LOGIN), message);
    assert_unavailable(&client.delete(LOGIN), message);
    assert_unavailable(&client.create(PROFILE), message);
    drop(held);
    server.wait_for_writer();
    let created = client.create(PROFILE).login();
    assert_eq!(client.read(LOGIN).login(), first_login());
    client.refresh(LOGIN).login();
    assert_eq!(client.read(&created.id).login(), created);
}

#[test]
fn a_full_queue_does_not_block_reads_and_refusals() {
    let server = server();
    let client = server.client();
    let _held = server.hold_writer();
    assert!(server.queue_job() && server.queue_job());
    assert!(!server.queue_job());
    assert_eq!(client.read(LOGIN).login(), first_login());
    client.refresh(NO_LOGIN).assert_no_such_login(NO_LOGIN);
    client.delete(NO_LOGIN).assert_empty();
    let powerless = client.with_token(POWERLESS);
    powerless
        .refresh(LOGIN)
        .assert_denied("MANAGE_TICKETS", "default");
    assert_eq!(client.get("/health/ready").status, 200);
}

#[test]
fn a_write_that_takes_too_long_has_an_unknown_outcome() {
    let server = Setup::new().flag("--write-timeout=1s").start();
    let client = server.client();
    let held = server.hold_writer();
    let message = "The write did not finish in time; the outcome is unknown";
    assert_unavailable(&client.refresh(LOGIN), message);
    assert_eq!(client.read(LOGIN).login(), first_login());
    drop(held);
    // Jobs run in the order of the queue, so the job that timed out runs before this one.
    let refreshed = client.refresh(LOGIN).login();
    assert_eq!(client.read(LOGIN).login(), refreshed);
    assert_eq!(client.get("/health/ready").status, 200);
}
