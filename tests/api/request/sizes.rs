//! The limits of a request's size.

use std::fmt::Write;

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, TOKEN};
use crate::support::raw_request::{assert_closing_error, assert_unharmed, chunk, form, refresh};
use crate::support::server::{Server, Setup};

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
fn a_chunk_that_announces_too_much_is_refused_at_once() {
    let server = Setup::new()
        .flag("--body-size-max=100")
        .flag("--body-timeout=1h")
        .start();
    let head = refresh("Transfer-Encoding: chunked\r\n");
    // With the head, with other chunks, and behind them.
    for (first, second) in [
        ("ffffff\r\n".to_owned(), None),
        (chunk("x=1") + "62\r\n", None),
        (chunk("x=1"), Some("62\r\n")),
    ] {
        let mut wire = server.wire();
        wire.send(head.clone() + &first);
        if let Some(second) = second {
            wire.send(second);
        }
        assert_closing_error(&wire.response(), 413);
        wire.assert_closed();
    }
    assert_unharmed(&server);
    // What is no chunked body is read as what it is.
    let form = format!("{}&chunked=\r\n\r\nffff\r\n", form());
    let fields = format!("X: chunked\r\nContent-Length: {}\r\n", form.len());
    let mut wire = server.wire();
    wire.send(refresh(&fields) + &form);
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

#[test]
fn too_many_parameters_are_refused() {
    let server = Setup::new().flag("--parameter-count-max=4").start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}/refresh_token");
    for (query, form, status) in [
        ("?a=1&b=2", "&c", 200),
        ("?a=1&b=2", "&c&d", 400),
        ("?a=1&b=2&c=3&d=4&e=5", "", 400),
        ("", "&a&b&c&d", 400),
    ] {
        let form = format!("accessTokenId={ADMIN}{form}");
        let response = client.post(&format!("{target}{query}"), &form);
        assert_eq!(response.status, status, "{query} {form}");
        if status == 400 {
            let message = "The request has more than 4 parameters";
            response.assert_error(400, "OTHER", message);
        }
    }
}

/// Looking up each parameter in all of the form took 64 KiB of reading for each look-up, and longer for encoded names.
#[test]
fn a_form_full_of_encoded_names_is_refused() {
    let server = Server::start();
    let form = format!("accessTokenId={ADMIN}{}", "&%41".repeat(15_000));
    let target = format!("{LOGINS}/{LOGIN}/refresh_token");
    let message = "The request has more than 1000 parameters";
    server
        .client()
        .post(&target, &form)
        .assert_error(400, "OTHER", message);
    assert_unharmed(&server);
}

#[test]
fn what_an_error_quotes_of_a_request_is_cut() {
    let server = Server::start();
    let client = server.client();
    let long = "%01".repeat(4_000);
    let token = format!("accessTokenId={ADMIN}");
    let by_name = format!("{token}&tenantName={long}&username=x");
    for (method, target, form) in [
        ("GET", format!("{LOGINS}/{long}?{token}"), ""),
        (
            "GET",
            format!("{LOGINS}/{NO_LOGIN}?accessTokenId={long}"),
            "",
        ),
        (
            "POST",
            format!("{LOGINS}/create?{token}"),
            &*format!("profileId={long}"),
        ),
        ("GET", format!("{LOGINS}/by_profile?{by_name}"), ""),
        ("POST", format!("{LOGINS}/create?{token}"), &by_name),
        (&*"X".repeat(4_000), format!("{LOGINS}/{LOGIN}"), ""),
    ] {
        let body = (method == "POST").then_some(form.as_bytes());
        let response = client.send(method, &target, &[FORM], body);
        assert!(response.status >= 400, "{response:?}");
        let message = &response.body;
        assert!(message.len() < 1_000, "{} bytes", message.len());
        assert!(message.contains('…'), "{message}");
    }
    client.refresh_with(LOGIN, TOKEN).login();
}
