//! The limits of a request's size.

use std::fmt::Write;

use crate::support::raw_request::{assert_closing_error, assert_unharmed, chunk, form, refresh};
use crate::support::server::Setup;

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Setup::new().flag("--header-size-max=8KiB").start();
    let mut wire = server.wire();
    let padding = "x".repeat(10_000);
    wire.offer(format!("GET / HTTP/1.1\r\nHost: x\r\nPadding: {padding}"));
    assert_closing_error(&wire.response(), 431);
    wire.assert_closed();
    let mut wire = server.wire();
    let padding = "x".repeat(4_000);
    let fields = format!("Padding: {padding}\r\nContent-Length: {}\r\n", form().len());
    wire.send(refresh(&fields) + &form());
    assert_eq!(wire.response().status, 200);
}

#[test]
fn too_many_header_fields_are_refused() {
    let server = Setup::new().flag("--header-count-max=10").start();
    for (count, status) in [(10, 404), (11, 431)] {
        let mut wire = server.wire();
        let mut request = "GET / HTTP/1.1\r\nHost: x\r\n".to_owned();
        for number in 1..count {
            write!(request, "Field-{number}: x\r\n").expect("writing to a string does not fail");
        }
        wire.send(request + "\r\n");
        assert_eq!(wire.response().status, status, "{count}");
    }
}

#[test]
fn a_content_length_over_the_limit_is_refused_at_once() {
    let server = Setup::new().flag("--body-size-max=100").start();
    let mut wire = server.wire();
    wire.send(refresh("Content-Length: 101\r\n"));
    assert_closing_error(&wire.response(), 413);
    wire.assert_closed();
    assert_unharmed(&server);
}

#[test]
fn a_body_of_the_maximum_size_is_accepted() {
    let server = Setup::new().flag("--body-size-max=100").start();
    let form = format!("{}&x={}", form(), "y".repeat(100));
    let form = &form[..100];
    let mut wire = server.wire();
    wire.send(refresh("Content-Length: 100\r\n") + form);
    assert_eq!(wire.response().status, 200);
    wire.send(refresh("Transfer-Encoding: chunked\r\n") + &chunk(form) + "0\r\n\r\n");
    assert_eq!(wire.response().status, 200);
}

#[test]
fn a_chunked_body_over_the_limit_is_refused() {
    let server = Setup::new().flag("--body-size-max=100").start();
    let mut wire = server.wire();
    let chunks = chunk(&form()) + &chunk(&"x".repeat(60));
    wire.send(refresh("Transfer-Encoding: chunked\r\n") + &chunks);
    assert_closing_error(&wire.response(), 413);
    wire.assert_closed();
    assert_unharmed(&server);
}
