//! An attachment is replaced: its id stays, and nobody ever sees a mixture.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::attachment::{Form, PNG, PROFILES, clean_up, get, png, post_form, stored, upload};
use crate::support::fixture::{ADMIN, PROFILE};
use crate::support::server::{PATIENCE, Server};

#[test]
fn the_same_name_replaces_keeps_the_id_and_changes_the_type() {
    let server = Server::start();
    let first = upload(&server, "me.png", &png(100_000, 1));
    let second = upload(&server, "me.gif", b"GIF89a");
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["contentType"], "image/gif");
    assert_ne!(second["md5"], first["md5"]);
    let answer = get(&server, "attachment/me");
    assert_eq!(answer.header("content-type"), "image/gif;charset=UTF-8");
    assert_eq!(answer.body, b"GIF89a");
    assert_eq!(
        get(&server, "attachments").json().as_array().map(Vec::len),
        Some(1)
    );
    // Another name is another attachment, and so is the same one of another profile.
    assert_ne!(upload(&server, "you.png", PNG)["id"], first["id"]);
}

#[test]
fn an_upload_that_is_refused_replaces_nothing() {
    let server = Server::start();
    let content = png(100_000, 1);
    upload(&server, "me.png", &content);
    let refused = Form::upload("me.png", b"GIF89a");
    assert_eq!(post_form(&server, PROFILE, &refused).status, 400);
    assert!(get(&server, "attachment/me").body == content);
}

#[test]
fn a_download_under_way_ends_with_the_content_that_it_began_with() {
    let server = Server::start();
    let old = png(3 << 20, 1);
    for change in ["replace", "delete"] {
        upload(&server, "me.png", &old);
        let mut socket = TcpStream::connect(server.address).expect("the server accepts");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout may be set");
        let request = format!(
            "GET {PROFILES}/{PROFILE}/attachment/me?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\
             Connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("it is read");
        let mut begin = vec![0; 1_000];
        socket.read_exact(&mut begin).expect("it has begun");
        match change {
            "replace" => drop(upload(&server, "me.gif", b"GIF89a")),
            _ => {
                let form = format!("accessTokenId={ADMIN}");
                let target = format!("{PROFILES}/{PROFILE}/delete");
                server.client().post(&target, &form).assert_empty();
            }
        }
        clean_up(&server);
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).expect("the rest");
        let all = [begin, rest].concat();
        assert!(all.ends_with(&old), "{change}");
        // Then it is removed.
        drop(socket);
        crate::support::server::wait_until("it is removed", || {
            clean_up(&server);
            stored(&server).0 <= 1
        });
    }
}

#[test]
fn concurrent_uploads_and_downloads_are_each_whole() {
    const WRITERS: u8 = 4;
    const ROUNDS: usize = 6;
    let server = Server::start();
    // Of different sizes, so that a mixture could not even have the right length.
    let content = |writer: u8| png(150_000 + usize::from(writer) * 65_000, writer);
    let contents: Vec<_> = (0..WRITERS).map(content).collect();
    let first = upload(&server, "me.png", &contents[0]);
    thread::scope(|scope| {
        for content in &contents {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let uploaded = upload(&server, "me.png", content);
                    assert_eq!(uploaded["id"], first["id"]);
                    assert_eq!(uploaded["fileSizeBytes"], content.len());
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(|| {
                let mut seen = BTreeSet::new();
                for _ in 0..ROUNDS * 4 {
                    let answer = get(&server, "attachment/me");
                    assert_eq!(answer.status, 200);
                    let is_same = |content: &&Vec<u8>| **content == answer.body;
                    let found = contents.iter().position(|content| is_same(&content));
                    seen.insert(found.expect("one of the contents"));
                }
                assert!(!seen.is_empty());
            });
        }
        scope.spawn(|| {
            for _ in 0..20 {
                clean_up(&server);
            }
        });
    });
    clean_up(&server);
    let size = get(&server, "attachment/me").body.len();
    let chunks = size.div_ceil((64 << 10) - 256);
    assert_eq!(stored(&server), (chunks as u64, 0));
}
