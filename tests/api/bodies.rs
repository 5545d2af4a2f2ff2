//! How the body of a request comes.

use crate::fixture::LOGIN;
use crate::raw_request::{chunk, form, is_other_error, is_well, read, refresh, waiting_for_body};
use crate::server::Server;

#[test]
fn a_chunked_body_is_put_together() {
    let server = Server::start();
    let mut wire = server.wire();
    let form = form();
    let (one, two) = form.split_at(7);
    wire.send(refresh("Transfer-Encoding: chunked\r\n") + &chunk(one));
    wire.send(chunk(two) + "0\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn a_broken_chunk_is_refused() {
    let server = Server::start();
    for broken in ["zz\r\nwhat\r\n", "3\r\ntoo long\r\n", "-1\r\n\r\n"] {
        let mut wire = server.wire();
        wire.send(refresh("Transfer-Encoding: chunked\r\n") + broken);
        is_other_error(&wire.answer(), 400);
        wire.is_closed();
    }
    is_well(&server);
}

#[test]
fn a_body_that_breaks_off_has_no_effect() {
    let server = Server::start();
    let mut wire = server.wire();
    let form = form();
    wire.send(refresh("Content-Length: 500\r\n") + &form);
    wire.half_close();
    if let Some(answer) = wire.answer_or_close() {
        is_other_error(&answer, 400);
    }
    wire.is_closed();
    is_well(&server);
}

#[test]
fn a_client_may_wait_to_be_told_to_continue() {
    let server = Server::start();
    let mut wire = waiting_for_body(&server);
    wire.send(form());
    assert_eq!(wire.answer().status, 200);
    wire.send(read(LOGIN));
    assert_eq!(wire.answer().status, 200);
    let mut wire = server.wire();
    let fields = "Expect: 100-continue\r\nContent-Length: 100000000\r\n";
    wire.send(refresh(fields));
    is_other_error(&wire.answer(), 413);
}
