//! Downloading an attachment.

use std::io::{Read as _, Write};
use std::net::TcpStream;
use std::ops::{Bound, ControlFlow};

use rememberd::testing::{Fixed, Read, Table};

use crate::attachment::{PNG, PROFILES, get, png, request, upload};
use crate::support::fixture::{ADMIN, PROFILE};
use crate::support::server::{PATIENCE, Server};

/// How many bytes a chunk in the database has.
const CHUNK: usize = (64 << 10) - 256;

#[test]
fn the_content_is_what_was_uploaded() {
    let server = Server::start();
    for size in [
        1,
        8,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        3 * CHUNK + 17,
        5 << 20,
    ] {
        let content = match size {
            1 => b"".to_vec(),
            size => png(size, 5),
        };
        upload(&server, "me.png", &content);
        let answer = get(&server, "attachment/me");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-length"), content.len().to_string());
        assert_eq!(answer.header("content-type"), "image/png;charset=UTF-8");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("transfer-encoding"), "");
        assert!(answer.body == content, "{size} bytes");
    }
}

/// Another version may write other ones.
#[test]
fn chunks_of_any_size_are_read() {
    let server = Server::start();
    let content = png(200_000, 3);
    upload(&server, "me.png", &content);
    let table = Table::<Fixed<20>>::new("attachment_chunk");
    let mut last = [0; 20];
    let found = server.app.store.read(|txn| {
        txn.scan(&table, Bound::Unbounded, |key, _| {
            last = *key;
            Ok(ControlFlow::Continue(()))
        })
    });
    found.expect("the chunks are read");
    assert_eq!(last[19], 3);
    let expected = content.clone();
    let rewritten = server.app.store.write(move |txn| {
        for (number, piece) in (0..).zip(content.chunks(40_000)) {
            let mut key = last;
            key[19] = number;
            txn.put(&table, &key, &[&[1], piece].concat())?;
        }
        Ok(())
    });
    server.block_on(rewritten).expect("they are put");
    assert!(get(&server, "attachment/me").body == expected);
}

#[test]
fn whatever_type_is_accepted_the_image_is_sent() {
    let server = Server::start();
    upload(&server, "me.png", PNG);
    for accept in [
        "image/*",
        "image/png",
        "*/*",
        "application/json",
        "text/html",
        "image/gif",
    ] {
        let answer = request(
            &server,
            "GET",
            "attachment/me",
            &format!("Accept: {accept}\r\n"),
        );
        assert_eq!((answer.status, &*answer.body), (200, PNG), "{accept}");
        let missing = request(
            &server,
            "GET",
            "attachment/you",
            &format!("Accept: {accept}\r\n"),
        );
        missing.assert_error(404, "OTHER", "No attachment with name \"you\" found");
    }
    // What is JSON must be accepted.
    for path in ["attachment/me/details", "attachments"] {
        let answer = request(&server, "GET", path, "Accept: image/*\r\n");
        assert_eq!(answer.status, 406, "{path}");
    }
}

#[test]
fn head_returns_the_header_alone() {
    let server = Server::start();
    upload(&server, "me.png", &png(200_000, 1));
    let answer = request(&server, "HEAD", "attachment/me", "");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), "200000");
    assert_eq!(answer.header("content-type"), "image/png;charset=UTF-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let missing = request(&server, "HEAD", "attachment/you", "");
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[test]
fn a_connection_goes_on_after_a_download() {
    let server = Server::start();
    let content = png(150_000, 3);
    upload(&server, "me.png", &content);
    let mut socket = TcpStream::connect(server.address).expect("the server accepts");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout may be set");
    for method in ["GET", "HEAD", "GET"] {
        let request = format!(
            "{method} {PROFILES}/{PROFILE}/attachment/me?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("it is read");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200"));
        if method == "GET" {
            let mut body = vec![0; content.len()];
            socket.read_exact(&mut body).expect("a body");
            assert!(body == content);
        }
    }
}
