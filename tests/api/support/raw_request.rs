//! Requests as text for raw connections, and connections whose request is in progress.

use std::thread;

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::{ADMIN, LOGIN, first_login};
use crate::support::server::{HeldWriter, Server};
use crate::support::wire::{Wire, WireResponse};

/// A GET of a login.
pub fn read(id: &str) -> String {
    format!("GET {LOGINS}/{id}?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// The head of a POST of `refresh_token` with these header fields.
pub fn refresh(fields: &str) -> String {
    format!(
        "POST {LOGINS}/{LOGIN}/refresh_token HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\n{fields}\r\n",
        FORM.1
    )
}

/// The form of a POST.
pub fn form() -> String {
    format!("accessTokenId={ADMIN}")
}

/// A complete POST of `refresh_token`.
pub fn whole_refresh() -> String {
    let form = form();
    refresh(&format!("Content-Length: {}\r\n", form.len())) + &form
}

/// A connection whose handler has the head of a request and waits for its body, [`form`].
pub fn waiting_for_body(server: &Server) -> Wire {
    let mut wire = server.wire();
    let length = form().len();
    let fields = format!("Expect: 100-continue\r\nContent-Length: {length}\r\n");
    wire.send(refresh(&fields));
    assert_eq!(wire.response().status, 100);
    wire
}

/// A connection whose refresh is in the queue of the writer, which is blocked. The queue must have a
/// capacity of one: when it is full, the refresh is in it.
pub fn waiting_for_writer(server: &Server) -> (Wire, HeldWriter) {
    for attempt in 1.. {
        let held = server.hold_writer();
        let mut wire = server.wire();
        wire.send(whole_refresh());
        for _ in 0..attempt * 1_000 {
            thread::yield_now();
        }
        if !server.queue_job() {
            return (wire, held);
        }
        // The job of the check was queued before the refresh.
        drop(held);
        wire.response();
        server.wait_for_writer();
    }
    unreachable!("the attempts do not end")
}

/// Asserts that the server responds and that [`LOGIN`] is unchanged.
#[track_caller]
pub fn assert_unharmed(server: &Server) {
    assert_eq!(server.client().read(LOGIN).login(), first_login());
}

/// Asserts that this is an error that closes the connection.
#[track_caller]
pub fn assert_closing_error(response: &WireResponse, status: u16) {
    assert_eq!(response.status, status, "{response:?}");
    assert_error(response, status);
    assert_eq!(response.header("connection"), "close");
}

/// Asserts that this is an error in the one format of all errors.
#[track_caller]
pub fn assert_error(response: &WireResponse, status: u16) {
    assert_eq!(response.status, status, "{response:?}");
    assert!(
        response
            .body
            .starts_with(r#"{"errorCode":"OTHER","message":""#)
    );
    for (name, value) in [
        ("content-type", "application/json;charset=UTF-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(response.header(name), value, "{response:?}");
    }
}

/// A chunk of a body.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
