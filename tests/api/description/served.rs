//! Where the description and its page are served, and how.

use super::OPENAPI;
use crate::support::client::Response;
use crate::support::server::{Server, Setup};
use rememberd::testing::Phase;

#[track_caller]
fn assert_public(response: &Response, content_type: &str) {
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), content_type);
    assert_eq!(response.header("cache-control"), "max-age=300");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
}

#[test]
fn both_are_served_to_everybody_in_every_phase() {
    let server = Setup::new().phase(Phase::Starting).start();
    let client = server.client();
    for context in ["", "/crafter-profile"] {
        for suffix in ["", ".json", "/"] {
            let response = client.get(&format!("{context}/openapi{suffix}"));
            assert_public(&response, "application/json;charset=UTF-8");
            assert_eq!(response.body, OPENAPI);
            let response = client.get(&format!("{context}/docs{suffix}"));
            assert_public(&response, "text/html;charset=UTF-8");
        }
    }
    let html = [("accept", "text/html")];
    assert_public(
        &client.send("GET", "/openapi.json", &html, None),
        "application/json;charset=UTF-8",
    );
    let head = client.send("HEAD", "/docs", &[], None);
    assert_public(&head, "text/html;charset=UTF-8");
    assert_eq!(head.body, "");
}

#[test]
fn other_methods_and_paths_are_refused() {
    let server = Server::start();
    let client = server.client();
    for path in ["/openapi.json", "/docs"] {
        let response = client.post(path, "");
        response.assert_error(405, "OTHER", "Request method 'POST' not supported");
        assert_eq!(response.header("allow"), "GET,HEAD,OPTIONS");
        client.send("OPTIONS", path, &[], None).assert_empty();
    }
    client.get("/docs/index.html").assert_other_error(404);
    client.get("/openapi.yaml").assert_other_error(404);
}

#[test]
fn the_page_may_load_nothing_but_the_description() {
    let server = Server::start();
    let response = server.client().get("/docs");
    let policy = response.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "connect-src 'self'",
        "script-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    // Without JavaScript there is at least a text, and a link to the description.
    let (_, rest) = response
        .body
        .split_once("<noscript>")
        .expect("there is one");
    assert!(rest.contains(r#"<a href="openapi.json">"#));
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!response.body.contains(foreign), "{foreign}");
    }
}
