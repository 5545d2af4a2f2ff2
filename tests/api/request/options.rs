//! The method OPTIONS, and the questions of browsers for pages of other origins.

use crate::support::client::{LOGINS, Response};
use crate::support::fixture::{ADMIN, LOGIN, POWERLESS};
use crate::support::server::Server;

#[track_caller]
fn assert_allows(response: &Response, allow: &str) {
    response.assert_empty();
    assert_eq!(response.header("allow"), allow);
}

#[test]
fn the_methods_of_each_path_are_returned() {
    let server = Server::start();
    let client = server.client();
    for (path, allow) in [
        (LOGIN.to_owned(), "GET,HEAD,OPTIONS"),
        (format!("{LOGIN}.json"), "GET,HEAD,OPTIONS"),
        (format!("{LOGIN}/refresh_token"), "POST,OPTIONS"),
        (format!("{LOGIN}/delete.json"), "POST,OPTIONS"),
        ("create".to_owned(), "GET,HEAD,POST,OPTIONS"),
    ] {
        for token in [ADMIN, POWERLESS] {
            let target = format!("{LOGINS}/{path}?accessTokenId={token}");
            let html = [("accept", "text/html"), ("origin", "http://example.com")];
            assert_allows(&client.send("OPTIONS", &target, &html, None), allow);
        }
    }
    let target = format!("{LOGINS}/{LOGIN}");
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("authorization", bearer.as_str())];
    let response = client.send("OPTIONS", &target, &headers, None);
    assert_allows(&response, "GET,HEAD,OPTIONS");
}

#[test]
fn a_valid_access_token_is_required() {
    let server = Server::start();
    let client = server.client();
    let options = |query: &str| {
        let target = format!("{LOGINS}/{LOGIN}{query}");
        client.send("OPTIONS", &target, &[], None)
    };
    let message = "Access token ID param missing from request";
    options("").assert_error(403, "ACCESS_DENIED", message);
    let message = "No access token found for ID \"nobody\"";
    options("?accessTokenId=nobody").assert_error(403, "ACCESS_DENIED", message);
    let health = client.send("OPTIONS", "/health/live", &[], None);
    assert_allows(&health, "GET,HEAD,OPTIONS");
}

#[test]
fn an_unknown_path_has_no_methods() {
    let server = Server::start();
    let target = format!("{LOGINS}/{LOGIN}/unknown?accessTokenId={ADMIN}");
    let response = server.client().send("OPTIONS", &target, &[], None);
    response.assert_other_error(404);
}

#[test]
fn pages_of_other_origins_may_not_send_requests() {
    let server = Server::start();
    let headers = [
        ("origin", "http://example.com"),
        ("access-control-request-method", "POST"),
    ];
    for path in [LOGIN, "create"] {
        let target = format!("{LOGINS}/{path}?accessTokenId={ADMIN}");
        let response = server.client().send("OPTIONS", &target, &headers, None);
        response.assert_other_error(403);
        assert!(!response.headers.contains_key("access-control-allow-origin"));
    }
}
