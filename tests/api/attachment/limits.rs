//! The limits of uploads: their size, their time, and how many there are.

use std::time::Duration;

use crate::attachment::{
    Form, PNG, clean_up, get, png, post_form, post_to, stored, upload, upload_head,
};
use crate::support::fixture::{ADMIN, LOGIN, PROFILE};
use crate::support::raw_request::{assert_closing_error, assert_error};
use crate::support::server::{Server, Setup, wait_until};
use crate::support::wire::Wire;

const MIB: usize = 1 << 20;

/// A connection on which an upload has begun, of which this much content was sent.
fn begun(server: &Server, content: &[u8], fields: &str) -> Wire {
    let form = Form::upload("slow.png", content);
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", fields));
    let sent = form.unfinished();
    wire.send(&sent[..sent.len() - 2]);
    wire
}

#[test]
fn an_attachment_of_the_maximum_size_is_accepted_and_a_larger_one_is_not() {
    let server = Server::start();
    let most = png(5 * MIB, 1);
    assert_eq!(upload(&server, "me.png", &most)["fileSize"], "5 MB");
    let more = png(5 * MIB + 1, 2);
    let answer = post_form(&server, PROFILE, &Form::upload("me.png", &more));
    answer.assert_error(413, "OTHER", "The request body is too large");
    assert_eq!(answer.header("connection"), "close");
    assert!(get(&server, "attachment/me").body == most);
    clean_up(&server);
    assert_eq!(stored(&server), (81, 0));
}

#[test]
fn a_length_over_the_limit_is_refused_at_once() {
    let server = Setup::new()
        .flag("--attachment-size-max=100KiB")
        .flag("--body-size-max=1KiB")
        .flag("--upload-timeout=1h")
        .flag("--body-timeout=1h")
        .start();
    let mut wire = server.wire();
    let length = (101 << 10) + 1;
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {length}\r\n"),
    ));
    assert_closing_error(&wire.response(), 413);
    wire.assert_closed();
    // A chunk that announces as much.
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Transfer-Encoding: chunked\r\n") + "19401\r\n");
    assert_closing_error(&wire.response(), 413);
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Transfer-Encoding: chunked\r\n"));
    wire.send("1\r\n-\r\n19400\r\n");
    assert_closing_error(&wire.response(), 413);
    // A length that may be, of which the file has too much.
    let mut wire = server.wire();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", 101 << 10),
    ));
    let content = png((100 << 10) + 1, 1);
    let form = Form::upload("a.png", &content);
    wire.offer(form.unfinished());
    assert_closing_error(&wire.response(), 413);
    assert_eq!(get(&server, "attachments").text(), "[]");
}

#[test]
fn what_is_no_file_has_the_limit_of_other_bodies() {
    let server = Setup::new()
        .flag("--body-size-max=4KiB")
        .flag("--parameter-count-max=8")
        .start();
    let long = "x".repeat(100_000);
    let form = || Form::upload("a.png", PNG);
    // A text, the head of a part, what is before the first part, and many parts.
    let head = format!("Content-Disposition: form-data; name=\"a\"; filename=\"{long}\"\r\n");
    for form in [
        form().text("a", &long),
        form().part(&head, b""),
        Form::default().part(&head, b""),
    ] {
        let answer = post_form(&server, PROFILE, &form);
        answer.assert_error(413, "OTHER", "The request body is too large");
    }
    let many = (0..10).fold(form(), |form, _| form.text("a", "x"));
    let answer = post_form(&server, PROFILE, &many);
    answer.assert_error(400, "OTHER", "The request has more than 8 parameters");
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Content-Length: 100000\r\n"));
    wire.offer(&long);
    assert_closing_error(&wire.response(), 413);
    clean_up(&server);
    assert_eq!(stored(&server), (0, 0));
}

#[test]
fn a_client_that_does_not_send_the_rest_is_answered_after_a_while() {
    let server = Setup::new().flag("--upload-timeout=300ms").start();
    let mut wire = begun(&server, &png(200_000, 1), "Content-Length: 300000\r\n");
    wait_until("chunks are written", || stored(&server).0 == 3);
    assert_closing_error(&wire.response(), 408);
    wire.assert_closed();
    clean_up(&server);
    assert_eq!(stored(&server), (0, 0));
}

#[test]
fn an_upload_may_take_longer_than_other_bodies() {
    let server = Setup::new().flag("--body-timeout=100ms").start();
    let content = png(200_000, 1);
    let form = Form::upload("slow.png", &content);
    let body = form.body();
    let mut wire = server.wire();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", body.len()),
    ));
    for piece in body.chunks(body.len() / 5 + 1) {
        wire.send(piece);
        // The time in which a body would have been refused.
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(wire.response().status, 200);
    assert!(get(&server, "attachment/slow").body == content);
}

#[test]
fn more_uploads_than_the_limit_are_refused_and_nothing_else_is() {
    let server = Setup::new().flag("--uploads-max=2").start();
    let content = png(100_000, 1);
    let first = begun(&server, &content, "Content-Length: 300000\r\n");
    let mut second = begun(&server, &content, "Content-Length: 100286\r\n");
    wait_until("chunks are written", || stored(&server).0 == 2);
    let refused = post_form(&server, PROFILE, &Form::upload("a.png", PNG));
    refused.assert_error(
        503,
        "OTHER",
        "The server is overloaded; nothing was changed",
    );
    assert_eq!(refused.header("retry-after"), "1");
    server.client().read(LOGIN).login();
    assert_eq!(get(&server, "attachments").text(), "[]");
    // One that ends makes room, and so does a client that vanishes.
    let rest = Form::upload("slow.png", &content).body();
    let sent = Form::upload("slow.png", &content).unfinished().len() - 2;
    second.offer(&rest[sent..]);
    drop(first);
    let mut accepted = 0;
    wait_until("there is room again", || {
        accepted = post_form(&server, PROFILE, &Form::upload("a.png", PNG)).status;
        accepted != 503
    });
    assert_eq!(accepted, 200);
}

#[test]
fn slow_uploads_of_unknown_callers_leave_places_to_known_ones() {
    let server = Setup::new().flag("--uploads-max=4").start();
    let slow = Form::default().file("attachment", "slow.png", &png(100_000, 1));
    let mut wires = Vec::new();
    let mut send = |form: &Form| {
        let mut wire = server.wire();
        wire.send(upload_head(PROFILE, "", "Content-Length: 300000\r\n"));
        wire.send(form.unfinished());
        wires.push(wire);
    };
    // As long as it has no file, an upload takes no place.
    for _ in 0..8 {
        send(&Form::default().text("filename", "slow.png"));
    }
    send(&slow);
    wait_until("a chunk is written", || stored(&server).0 == 1);
    let file_first = Form::default()
        .file("attachment", "a.png", PNG)
        .text("accessTokenId", ADMIN);
    let refused = post_form(&server, PROFILE, &file_first);
    refused.assert_error(
        503,
        "OTHER",
        "The server is overloaded; nothing was changed",
    );
    let by_query = post_to(
        &server,
        PROFILE,
        &format!("?accessTokenId={ADMIN}"),
        &file_first,
    );
    assert_eq!(by_query.status, 200);
    upload(&server, "b.png", PNG);
    drop(wires);
    wait_until("there is room again", || {
        post_form(&server, PROFILE, &file_first).status == 200
    });
}

#[test]
fn what_is_before_the_file_has_the_time_of_other_bodies() {
    let server = Setup::new()
        .flag("--body-timeout=300ms")
        .flag("--upload-timeout=1h")
        .start();
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Content-Length: 300000\r\n"));
    wire.send(Form::default().text("accessTokenId", ADMIN).unfinished());
    assert_closing_error(&wire.response(), 408);
    wire.assert_closed();
}

#[test]
fn a_storage_failure_changes_nothing() {
    let server = Server::start();
    let old = png(100_000, 1);
    upload(&server, "me.png", &old);
    let failing = server.fail_disk();
    let content = png(200_000, 2);
    let mut wire = server.wire();
    let body = Form::default()
        .file("attachment", "me.png", &content)
        .text("accessTokenId", ADMIN)
        .body();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", body.len()),
    ));
    wire.send(&body);
    let response = wire.response();
    assert_error(&response, 503);
    assert_eq!(response.header("retry-after"), "1");
    drop(failing);
    wait_until("the database is open again", || server.app.store.is_open());
    assert!(get(&server, "attachment/me").body == old);
    upload(&server, "me.png", &content);
    assert!(get(&server, "attachment/me").body == content);
    clean_up(&server);
    assert_eq!(stored(&server), (4, 0));
}
