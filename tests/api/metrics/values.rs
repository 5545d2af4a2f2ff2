//! What the metrics say.

use rememberd::testing::{Phase, Timestamp};
use tempfile::TempDir;

use super::{METRICS, samples, value};
use crate::admin::{exchange, get};
use crate::support::client::FORM;
use crate::support::fixture::{LOGIN, NO_LOGIN, PROFILE, TOKEN};
use crate::support::process::Launch;
use crate::support::server::{Server, Setup, wait_until};

const REFRESHES: &str =
    "rememberd_http_requests_total{route=\"persistent_login/refresh_token\",status=\"200\"}";

fn start() -> Server {
    Setup::new().flag("--metrics").start()
}

fn event(name: &str, reason: &str) -> String {
    format!("rememberd_events_total{{event=\"{name}\",reason=\"{reason}\"}}")
}

#[test]
fn they_are_served_only_where_that_is_set() {
    let server = Server::start();
    for context in ["", "/crafter-profile"] {
        let response = server.client().get(&format!("{context}{METRICS}"));
        response.assert_error(404, "OTHER", "Nothing is served at this path");
    }
    let server = start();
    for path in ["/metrics", "/crafter-profile/metrics", "/metrics/"] {
        let response = server.client().with_token("").get(path);
        assert_eq!(response.status, 200);
        let content_type = response.header("content-type");
        assert_eq!(content_type, "text/plain;version=0.0.4;charset=utf-8");
        assert_eq!(response.header("cache-control"), "no-store");
    }
    let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
    let response = server.client().send("GET", METRICS, &accept, None);
    assert_eq!(response.status, 200);
    let response = server.client().post(METRICS, "");
    response.assert_error(405, "OTHER", "Request method 'POST' not supported");
}

#[test]
fn requests_are_counted_by_route_and_status() {
    let server = start();
    let client = server.client();
    client.refresh(LOGIN).login();
    client.refresh(LOGIN).login();
    client.refresh(NO_LOGIN).assert_no_such_login(NO_LOGIN);
    client.get("/nowhere");
    client.with_token("unknown").read(LOGIN);
    let samples = samples(&client.get(METRICS));
    let requests = |route: &str, status: &str| {
        samples[&format!("rememberd_http_requests_total{{route=\"{route}\",status=\"{status}\"}}")]
    };
    assert_eq!(requests("persistent_login/refresh_token", "200"), 2.0);
    assert_eq!(requests("persistent_login/refresh_token", "404"), 1.0);
    assert_eq!(requests("persistent_login/read", "403"), 1.0);
    assert_eq!(requests("none", "404"), 1.0);
    let bucket = "rememberd_http_request_duration_seconds_bucket\
                  {route=\"persistent_login/refresh_token\",le=\"+Inf\"}";
    assert_eq!(samples[bucket], 3.0);
    let sum =
        "rememberd_http_request_duration_seconds_sum{route=\"persistent_login/refresh_token\"}";
    assert!(samples[sum] > 0.0);
    let refused = "rememberd_http_callers_refused_total{code=\"ACCESS_DENIED\"}";
    assert_eq!(samples[refused], 1.0);
    assert!(samples["rememberd_http_connections"] >= 1.0);
    assert!(samples["rememberd_http_connections_accepted_total"] >= 1.0);
}

#[test]
fn what_happens_to_logins_is_counted() {
    let server = start();
    let client = server.client();
    let rotated = client.refresh_with(LOGIN, TOKEN).login();
    client.refresh_with(LOGIN, TOKEN).login();
    let unknown = "6f1d3a52-0b7c-4e8d-9a41-5c2e7f908b16";
    client.refresh_with(LOGIN, unknown).assert_unknown_token();
    client.create(PROFILE).login();
    client.refresh_with(LOGIN, &rotated.token).login();
    // The writer counts what happened once it has answered.
    wait_until("all of it is counted", || {
        value(&client, &event("rotation", "")) == 2.0
    });
    let samples = samples(&client.get(METRICS));
    for (name, reason, count) in [
        ("grace", "", 1.0),
        ("unknown_token", "", 1.0),
        ("create", "", 1.0),
        ("reuse", "", 0.0),
        ("revocation", "token_reuse", 0.0),
        ("failed_sign_in", "wrong_password", 0.0),
        ("lockout", "", 0.0),
    ] {
        assert_eq!(samples[&event(name, reason)], count, "{name}");
    }
}

#[test]
fn the_storage_says_how_much_it_holds_and_does() {
    let server = start();
    let client = server.client();
    let logins = value(&client, "rememberd_logins");
    for _ in 0..3 {
        client.create(PROFILE).login();
    }
    client.refresh(LOGIN).login();
    client.read(LOGIN).login();
    let samples = samples(&client.get(METRICS));
    assert_eq!(samples["rememberd_logins"], logins + 3.0);
    assert!(samples["rememberd_profiles"] >= 1.0);
    assert!(samples["rememberd_tenants"] >= 1.0);
    assert!(samples["rememberd_access_tokens"] >= 1.0);
    assert_eq!(samples["rememberd_storage_open"], 1.0);
    assert_eq!(samples["rememberd_storage_failures_total"], 0.0);
    assert_eq!(samples["rememberd_ready"], 1.0);
    assert!(samples["rememberd_writer_commit_duration_seconds_count"] >= 4.0);
    assert!(samples["rememberd_writer_batch_jobs_sum"] >= 4.0);
    assert_eq!(samples["rememberd_writer_queue_jobs"], 0.0);
    assert!(samples["rememberd_database_file_bytes"] > 4096.0);
    assert!(samples["rememberd_journal_entries"] >= 1.0);
    let lookups = |outcome| {
        samples[&format!(
            "rememberd_row_cache_lookups_total{{table=\"persistent_login\",outcome=\"{outcome}\"}}"
        )]
    };
    assert!(lookups("hit") >= 1.0);
    assert!(lookups("miss") >= 1.0);
}

#[test]
fn a_storage_that_fails_is_counted_while_metrics_are_served() {
    let server = start();
    let client = server.client();
    let _failing = server.fail_disk();
    wait_until("it is not open", || {
        value(&client, "rememberd_storage_open") == 0.0
    });
    assert_eq!(client.refresh(LOGIN).status, 503);
    let samples = samples(&client.get(METRICS));
    assert_eq!(samples["rememberd_ready"], 0.0);
    assert!(samples["rememberd_storage_failures_total"] >= 1.0);
    assert!(samples["rememberd_http_failures_total{cause=\"unavailable\"}"] >= 1.0);
    assert!(!samples.contains_key("rememberd_logins"), "it is not known");
}

#[test]
fn a_starting_server_has_metrics() {
    let server = Setup::new()
        .flag("--metrics")
        .phase(Phase::Starting)
        .start();
    let client = server.client();
    assert_eq!(value(&client, "rememberd_ready"), 0.0);
    server.app.enter(Phase::Serving);
    assert_eq!(value(&client, "rememberd_ready"), 1.0);
}

#[test]
fn the_clock_shows_how_far_the_host_is_ahead() {
    let server = start();
    let client = server.client();
    let believed = server.app.clock.now().time();
    let ahead = Timestamp::from_millis(believed.as_millis() + 90_000);
    server.app.clock.set_host_clock(ahead, false);
    let samples = samples(&client.get(METRICS));
    let expected = believed.as_millis() as f64 / 1_000.0;
    assert_eq!(
        samples["rememberd_clock_believed_timestamp_seconds"],
        expected
    );
    assert_eq!(samples["rememberd_clock_host_ahead_seconds"], 90.0);
    assert_eq!(samples["rememberd_clock_synchronized"], 0.0);
}

#[test]
fn nothing_of_users_and_applications_is_in_them() {
    let server = start();
    let client = server.client();
    let rotated = client.refresh_with(LOGIN, TOKEN).login();
    client.get(&format!("/api/1/profile/{PROFILE}"));
    let form = "tenantName=default&username=admin&password=not-it";
    client.send(
        "POST",
        "/api/1/authentication/authenticate",
        &[FORM],
        Some(form.as_bytes()),
    );
    let body = client.get(METRICS).body;
    for secret in [
        LOGIN,
        TOKEN,
        PROFILE,
        rotated.token.as_str(),
        "default",
        "not-it",
    ] {
        assert!(!body.contains(secret), "{secret} is in the metrics");
    }
}

#[test]
fn the_local_socket_has_them_always() {
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let serving = Launch::serve(&data).start();
    assert_eq!(serving.client("").get(METRICS).status, 404);
    let response = exchange(&data, &get(METRICS));
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains("\nrememberd_ready 1.0\n"), "{response}");
    serving.stop();
    let serving = Launch::serve(&data)
        .variable("REMEMBERD_METRICS", "true")
        .start();
    let client = serving.client("");
    assert_eq!(value(&client, REFRESHES), 0.0);
    let samples = samples(&client.get(METRICS));
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    assert!(samples["process_start_time_seconds"] > 1.7e9);
    let file = samples["rememberd_database_file_bytes"];
    wait_until("the space is measured", || {
        let free = value(&client, "rememberd_database_free_bytes");
        0.0 < free && free < file
    });
}
