//! HTTP/1 as it is on the socket: pipelining, half-closed and aborted connections, invalid requests.

use crate::support::client::LOGINS;
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, TOKEN, first_login};
use crate::support::random::{self, Random};
use crate::support::raw_request::{
    assert_closing_error, assert_unharmed, read, refresh, waiting_for_body, whole_refresh,
};
use crate::support::server::Server;

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut wire = server.wire();
    let ids: Vec<String> = (0..20).map(|number| format!("unknown-{number}")).collect();
    let mut requests = String::new();
    for id in &ids {
        requests += &read(id);
        requests += &whole_refresh();
    }
    let mut bodies = vec![server.client().read(LOGIN).body];
    wire.send(requests);
    for id in &ids {
        let body = wire.response().body;
        assert!(body.contains(&format!("\\\"{id}\\\"")), "{body}");
        let refreshed = wire.response();
        assert_eq!(refreshed.status, 200);
        assert!(!bodies.contains(&refreshed.body));
        bodies.push(refreshed.body);
    }
    assert_eq!(bodies.last(), Some(&server.client().read(LOGIN).body));
}

#[test]
fn a_half_closed_client_still_receives_its_responses() {
    let server = Server::start();
    let mut wire = server.wire();
    wire.send(read(LOGIN) + &whole_refresh());
    wire.half_close();
    assert!(wire.response().body.contains(TOKEN));
    let refreshed = wire.response();
    assert_eq!(refreshed.status, 200);
    wire.assert_closed();
    assert_eq!(server.client().read(LOGIN).body, refreshed.body);
}

#[test]
fn a_half_closed_client_receives_the_response_to_a_write() {
    let server = Server::start();
    let held = server.hold_writer();
    let mut wire = server.wire();
    wire.send(whole_refresh());
    wire.half_close();
    drop(held);
    assert_eq!(wire.response().status, 200);
    wire.assert_closed();
}

#[test]
fn invalid_http_gets_400_or_a_close() {
    let server = Server::start();
    for garbage in [
        "\0\u{1}\u{2}\u{3}\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, nonsense\r\n\r\n",
    ] {
        let mut wire = server.wire();
        wire.offer(garbage);
        wire.half_close();
        if let Some(response) = wire.response_or_close() {
            assert_closing_error(&response, 400);
            wire.assert_closed();
        }
    }
    assert_unharmed(&server);
}

#[test]
fn random_bytes_cause_no_server_error() {
    let server = Server::start();
    let random = Random::new(random::seed());
    for _ in 0..50 {
        let mut request = whole_refresh().into_bytes();
        for _ in 0..1 + random.below(4) {
            let at = random.below(request.len() as u64) as usize;
            request[at] = random.below(256) as u8;
        }
        let mut wire = server.wire();
        wire.offer(request);
        wire.half_close();
        while let Some(response) = wire.response_or_close() {
            assert!(response.status < 500, "{response:?}");
        }
    }
    assert_eq!(server.client().read(LOGIN).login().id, LOGIN);
}

#[test]
fn a_client_that_disconnects_changes_nothing() {
    let server = Server::start();
    for sent in [
        "",
        "GET /api",
        &refresh(""),
        &(refresh("Content-Length: 500\r\n") + "accessToken"),
        &read(LOGIN),
        &read(LOGIN).repeat(50),
    ] {
        let mut wire = server.wire();
        wire.send(sent);
    }
    drop(waiting_for_body(&server));
    assert_unharmed(&server);
}

#[test]
fn the_write_of_a_disconnected_client_is_atomic() {
    let server = Server::start();
    let held = server.hold_writer();
    let mut wire = server.wire();
    wire.send(whole_refresh());
    drop(wire);
    drop(held);
    let read = server.client().read(LOGIN).login();
    assert_eq!(read, first_login().with_token(&read.token));
    server.client().refresh(LOGIN).login();
}

#[test]
fn http_1_0_is_supported() {
    let server = Server::start();
    let mut wire = server.wire();
    wire.send(format!(
        "GET {LOGINS}/{LOGIN}?accessTokenId={ADMIN} HTTP/1.0\r\n\r\n"
    ));
    let response = wire.response();
    assert_eq!(response.status, 200);
    assert!(response.body.contains(TOKEN));
    wire.assert_closed();
}

#[test]
fn a_request_target_may_be_absolute() {
    let server = Server::start();
    let mut wire = server.wire();
    for id in [LOGIN, NO_LOGIN] {
        wire.send(format!(
            "GET http://elsewhere:1234{LOGINS}/{id}?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        let status = if id == LOGIN { 200 } else { 404 };
        assert_eq!(wire.response().status, status);
    }
    wire.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(wire.response().status, 404);
}

#[test]
fn a_connection_stays_open_after_an_error() {
    let server = Server::start();
    let mut wire = server.wire();
    wire.send(read(NO_LOGIN) + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(wire.response().status, 404);
    assert_eq!(wire.response().status, 404);
    wire.send("PUT /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(wire.response().status, 405);
    wire.send(read(LOGIN));
    assert_eq!(wire.response().status, 200);
}
