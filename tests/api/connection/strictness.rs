//! Requests that two programs could read differently, and the errors that the HTTP library answers by itself.

use crate::support::client::LOGINS;
use crate::support::fixture::{ADMIN, LOGIN};
use crate::support::raw_request::{
    assert_closing_error, assert_unharmed, chunk, form, read, whole_refresh,
};
use crate::support::server::{Server, Setup};

/// A POST of `refresh_token` with these header fields besides the content type.
fn refresh(version: &str, fields: &str) -> String {
    format!(
        "POST {LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN} HTTP/{version}\r\n{fields}\r\n"
    )
}

#[test]
fn a_request_has_one_valid_host() {
    let server = Server::start();
    for (version, fields) in [
        ("1.1", ""),
        ("1.1", "Host: a\r\nHost: b\r\n"),
        ("1.1", "Host: a\r\nhost: a\r\n"),
        ("1.0", "Host: a\r\nHost: b\r\n"),
        ("1.1", "Host: a b\r\n"),
        ("1.1", "Host: a, b:1,\r\n"),
        ("1.1", "Host: user@a\r\n"),
        ("1.1", "Host: a/b\r\n"),
        ("1.1", "Host: [::1\r\n"),
        ("1.1", "Host: a:port\r\n"),
        ("1.0", "Host: a:1:2\r\n"),
    ] {
        let mut wire = server.wire();
        let length = "Content-Length: 0\r\n";
        wire.send(refresh(version, &format!("{fields}{length}")) + &read(LOGIN));
        assert_closing_error(&wire.response(), 400);
        wire.assert_closed();
    }
    assert_unharmed(&server);
    for (version, fields) in [
        ("1.0", ""),
        ("1.0", "Host: a\r\n"),
        ("1.1", "Host:\r\n"),
        ("1.1", "Host: [::1]:8080\r\n"),
        ("1.1", "Host: any-name_of.example:8080\r\n"),
    ] {
        let mut wire = server.wire();
        wire.send(refresh(version, &format!("{fields}Content-Length: 0\r\n")));
        assert_eq!(wire.response().status, 200, "{fields:?}");
    }
}

#[test]
fn the_only_transfer_coding_is_chunked() {
    let server = Server::start();
    for (version, fields) in [
        ("1.1", "Transfer-Encoding: gzip\r\n"),
        ("1.1", "Transfer-Encoding: gzip, chunked\r\n"),
        ("1.1", "Transfer-Encoding: chunked, chunked\r\n"),
        ("1.1", "Transfer-Encoding: chunked, identity\r\n"),
        ("1.1", "Transfer-Encoding: identity\r\n"),
        ("1.1", "Transfer-Encoding: \u{b}chunked\r\n"),
        ("1.1", "Transfer-Encoding: chunked;q=1\r\n"),
        ("1.1", "Transfer-Encoding:\r\n"),
        (
            "1.1",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "1.1",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        ),
        ("1.0", "Transfer-Encoding: chunked\r\n"),
    ] {
        let mut wire = server.wire();
        let body = chunk(&form()) + "0\r\n\r\n";
        wire.offer(refresh(version, &format!("Host: x\r\n{fields}")) + &body + &read(LOGIN));
        assert_closing_error(&wire.response(), 400);
        wire.assert_closed();
    }
    assert_unharmed(&server);
    let mut wire = server.wire();
    for coding in ["chunked", "CHUNKED", " Chunked "] {
        wire.send(
            refresh("1.1", &format!("Host: x\r\nTransfer-Encoding:{coding}\r\n")) + "0\r\n\r\n",
        );
        assert_eq!(wire.response().status, 200);
    }
}

#[test]
fn a_trailer_section_swallows_no_request() {
    let server = Server::start();
    let chunks = chunk(&form());
    for trailers in ["X: y\r\n\r\n", "X: y\n\n", "X: y\n\r\n", "X: y\r\n\n", "\n"] {
        let mut wire = server.wire();
        let head = refresh("1.1", "Host: x\r\nTransfer-Encoding: chunked\r\n");
        wire.send(head + &chunks + "0\r\n" + trailers + &read(LOGIN) + "\r\n\r\n");
        assert_closing_error(&wire.response(), 400);
        wire.assert_closed();
        assert_unharmed(&server);
        // A body that is ignored.
        let mut wire = server.wire();
        let head = read(LOGIN).replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
        wire.send(head + "0\r\n" + trailers + &whole_refresh() + "\r\n\r\n");
        let response = wire.response();
        assert_eq!(
            (response.status, response.header("connection")),
            (200, "close")
        );
        wire.assert_closed();
        assert_unharmed(&server);
    }
}

#[test]
fn a_request_with_both_lengths_is_the_last_on_its_connection() {
    let server = Server::start();
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let mut wire = server.wire();
        wire.send(refresh("1.1", &format!("Host: x\r\n{fields}")) + "0\r\n\r\n" + &whole_refresh());
        assert_eq!(wire.response().status, 200);
        wire.assert_closed();
    }
}

#[test]
fn what_cannot_be_parsed_gets_an_error_like_all_others() {
    let server = Setup::new().flag("--header-size-max=128KiB").start();
    let long = "x".repeat(70_000);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 414),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100)),
            431,
        ),
    ] {
        // Alone, after a response, and while the responses to earlier requests have not been sent.
        for before in [0, 1, 5] {
            let mut wire = server.wire();
            wire.send(read(LOGIN).repeat(before) + &request);
            for _ in 0..before {
                assert_eq!(wire.response().status, 200);
            }
            let error = wire.response();
            assert_closing_error(&error, status);
            assert!(error.header("date").ends_with(" GMT"), "{error:?}");
            wire.assert_closed();
        }
    }
    let mut wire = server.wire();
    let first = format!(
        "GET {LOGINS}/{LOGIN}?accessTokenId={ADMIN} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    );
    wire.send(first + "nonsense\r\n\r\n");
    assert_eq!(wire.response().status, 200);
    assert_closing_error(&wire.response(), 400);
    wire.assert_closed();
}
