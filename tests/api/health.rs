//! The health endpoints: liveness and readiness.

use rememberd::testing::Phase;
use serde_json::{Value, json};

use crate::support::client::{Client, Response};
use crate::support::fixture::{LOGIN, NO_LOGIN, PROFILE, TOKEN};
use crate::support::server::{Server, Setup, wait_until};

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// The status of a GET, after checking that HEAD returns the same status and headers.
#[track_caller]
fn status(client: &Client, path: &str) -> u16 {
    let response = client.get(path);
    let head = client.send("HEAD", path, &[], None);
    assert_eq!(head.status, response.status);
    assert_eq!(head.body, "");
    assert_eq!(
        head.header("content-length"),
        response.body.len().to_string()
    );
    response.status
}

#[track_caller]
fn assert_not_ready(response: &Response) {
    response.assert_error(503, "OTHER", "The server is not ready; nothing was changed");
    assert_eq!(response.header("retry-after"), "1");
}

#[test]
fn a_serving_process_is_live_and_ready() {
    let server = Server::start();
    let client = server.client();
    for context in ["", "/crafter-profile"] {
        assert_eq!(status(&client, &format!("{context}{LIVE}")), 200);
        assert_eq!(status(&client, &format!("{context}{READY}")), 200);
    }
}

#[test]
fn health_accepts_get_and_head_only() {
    let server = Server::start();
    for path in [LIVE, READY] {
        let response = server.client().post(path, "");
        response.assert_error(405, "OTHER", "Request method 'POST' not supported");
        assert_eq!(response.header("allow"), "GET,HEAD,OPTIONS");
    }
}

#[test]
fn a_starting_process_is_live_and_refuses_requests() {
    let server = Setup::new().phase(Phase::Starting).start();
    let client = server.client();
    assert_eq!(status(&client, LIVE), 200);
    assert_eq!(status(&client, READY), 503);
    assert_not_ready(&client.create(PROFILE));
    assert_not_ready(&client.read(LOGIN));
    assert_not_ready(&client.refresh(LOGIN));
    assert_not_ready(&client.delete(LOGIN));
    server.app.enter(Phase::Serving);
    assert_eq!(status(&client, READY), 200);
    assert_eq!(client.read(LOGIN).login().token, TOKEN);
}

#[test]
fn with_a_schedule_it_is_seen_that_there_is_no_good_backup() {
    let backup = |server: Server| -> Option<Value> {
        let ready = server.client().get(READY);
        let ready: Value = serde_json::from_str(&ready.body).expect("it is JSON");
        ready.get("backup").cloned()
    };
    assert_eq!(backup(Server::start()), None);
    // Background work, which would make one, does not run here.
    let scheduled = Setup::new().flag("--backup-dir=/").start();
    assert_eq!(backup(scheduled), Some(json!({"lastGood": null})));
}

#[test]
fn a_draining_process_is_not_ready_but_still_serves_requests() {
    let server = Server::start();
    let client = server.client();
    server.app.enter(Phase::Draining);
    assert_eq!(status(&client, LIVE), 200);
    assert_eq!(status(&client, READY), 503);
    let refreshed = client.refresh(LOGIN).login();
    assert_eq!(client.read(LOGIN).login(), refreshed);
}

#[test]
fn a_process_whose_storage_failed_is_not_ready() {
    let server = Server::start();
    let client = server.client();
    let failing = server.fail_disk();
    assert_eq!(status(&client, LIVE), 200);
    assert_eq!(status(&client, READY), 503);
    drop(failing);
    wait_until("the database is open again", || {
        client.get(READY).status == 200
    });
    assert_eq!(status(&client, READY), 200);
    let refreshed = client.refresh(LOGIN).login();
    assert_eq!(client.read(LOGIN).login(), refreshed);
}

#[test]
fn a_failing_disk_logs_nobody_out() {
    let server = Server::start();
    let client = server.client();
    let current = client.refresh(LOGIN).login();
    let failing = server.fail_disk();
    // Neither 401 nor 404, for any login and any token presented.
    for token in [&current.token, TOKEN, NO_LOGIN] {
        assert_not_ready(&client.refresh_with(LOGIN, token));
        assert_not_ready(&client.refresh_with(NO_LOGIN, token));
    }
    assert_not_ready(&client.read(LOGIN));
    assert_not_ready(&client.read(NO_LOGIN));
    assert_not_ready(&client.refresh(LOGIN));
    assert_not_ready(&client.delete(LOGIN));
    assert_not_ready(&client.create(PROFILE));
    assert_not_ready(&client.by_profile(PROFILE, ""));
    assert_not_ready(&client.delete_by_profile(PROFILE, ""));
    drop(failing);
    wait_until("the database is open again", || server.app.is_ready());
    assert_eq!(client.read(LOGIN).login(), current);
    client.refresh_with(LOGIN, &current.token).login();
}
