//! The transfer of a request's body.

use rememberd::testing::Phase;

use crate::support::fixture::LOGIN;
use crate::support::raw_request::{
    assert_closing_error, assert_unharmed, chunk, form, read, refresh, waiting_for_body,
};
use crate::support::server::{Server, Setup};

#[test]
fn a_chunked_body_is_decoded() {
    let server = Server::start();
    let mut wire = server.wire();
    let form = form();
    let (one, two) = form.split_at(7);
    wire.send(refresh("Transfer-Encoding: chunked\r\n") + &chunk(one));
    wire.send(chunk(two) + "0\r\n\r\n");
    assert_eq!(wire.response().status, 200);
}

#[test]
fn an_invalid_chunk_is_refused() {
    let server = Server::start();
    for broken in ["zz\r\nwhat\r\n", "3\r\ntoo long\r\n", "-1\r\n\r\n"] {
        let mut wire = server.wire();
        wire.send(refresh("Transfer-Encoding: chunked\r\n") + broken);
        assert_closing_error(&wire.response(), 400);
        wire.assert_closed();
    }
    assert_unharmed(&server);
}

#[test]
fn a_truncated_body_has_no_effect() {
    let server = Server::start();
    let mut wire = server.wire();
    let form = form();
    wire.send(refresh("Content-Length: 500\r\n") + &form);
    wire.half_close();
    if let Some(response) = wire.response_or_close() {
        assert_closing_error(&response, 400);
    }
    wire.assert_closed();
    assert_unharmed(&server);
}

#[test]
fn a_client_may_expect_100_continue() {
    let server = Server::start();
    let mut wire = waiting_for_body(&server);
    wire.send(form());
    assert_eq!(wire.response().status, 200);
    wire.send(read(LOGIN));
    assert_eq!(wire.response().status, 200);
    let mut wire = server.wire();
    let fields = "Expect: 100-continue\r\nContent-Length: 100000000\r\n";
    wire.send(refresh(fields));
    assert_closing_error(&wire.response(), 413);
}

/// So that a client with a connection pool opens another connection for its next request, instead of
/// failing with a broken pipe.
#[test]
fn a_refusal_before_the_body_is_received_closes_the_connection() {
    let length = "Content-Length: 3\r\n";
    let nowhere = format!("POST /nowhere HTTP/1.1\r\nHost: x\r\n{length}\r\n");
    let no_method = format!("PUT /health/live HTTP/1.1\r\nHost: x\r\n{length}\r\n");
    let not_acceptable = refresh(&format!("Accept: text/html\r\n{length}"));
    let chunked = refresh("Accept: text/html\r\nTransfer-Encoding: chunked\r\n");
    let serving = Server::start();
    let starting = Setup::new().phase(Phase::Starting).start();
    for (server, head, status) in [
        (&serving, nowhere, 404),
        (&serving, no_method, 405),
        (&serving, not_acceptable, 406),
        (&serving, chunked, 406),
        (&starting, refresh(length), 503),
    ] {
        let mut wire = server.wire();
        wire.send(&head);
        assert_closing_error(&wire.response(), status);
        wire.assert_closed();
    }
}

#[test]
fn a_refusal_after_the_body_is_received_keeps_the_connection() {
    let server = Server::start();
    let mut wire = server.wire();
    for (head, status) in [
        ("POST /nowhere HTTP/1.1\r\nHost: x\r\n", 404),
        ("PUT /health/live HTTP/1.1\r\nHost: x\r\n", 405),
        (&refresh("Accept: text/html\r\n"), 406),
    ] {
        wire.send(format!(
            "{}\r\nContent-Length: 3\r\n\r\nabc",
            head.trim_end()
        ));
        let response = wire.response();
        assert_eq!(
            (response.status, response.header("connection")),
            (status, "")
        );
    }
    wire.send(read(LOGIN));
    assert_eq!(wire.response().status, 200);
}
