//! What is left of attachments is removed.

use std::fs;
use std::thread;

use crate::attachment::{
    Form, PNG, PROFILES, clean_up, exchange, get, png, post_form, stored, upload, upload_head,
};
use crate::support::fixture::{ACME_PROFILE, ADMIN, POWERLESS, PROFILE};
use crate::support::server::{Server, Setup, wait_until};

#[test]
fn nothing_is_left_of_an_upload_that_is_refused() {
    let server = Server::start();
    let content = png(300_000, 1);
    let file = || Form::default().file("attachment", "a.png", &content);
    for (form, status) in [
        (file().text("accessTokenId", POWERLESS), 403),
        (
            file()
                .text("accessTokenId", ADMIN)
                .text("filename", "a.txt"),
            400,
        ),
        (
            file()
                .text("accessTokenId", ADMIN)
                .text("filename", "a.gif"),
            400,
        ),
        (file(), 403),
    ] {
        assert_eq!(post_form(&server, PROFILE, &form).status, status);
        clean_up(&server);
        assert_eq!(stored(&server), (0, 0));
    }
}

#[test]
fn what_is_refused_before_its_file_is_not_written() {
    let server = Server::start();
    let commits = server.app.store.commits();
    let form = Form::default().text("accessTokenId", POWERLESS).file(
        "attachment",
        "a.png",
        &png(300_000, 1),
    );
    assert_eq!(post_form(&server, PROFILE, &form).status, 403);
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn nothing_is_left_of_an_upload_whose_client_vanishes() {
    let server = Server::start();
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Content-Length: 4000000\r\n"));
    wire.send(Form::upload("a.png", &png(500_000, 1)).unfinished());
    wait_until("chunks are written", || stored(&server).0 >= 7);
    // It goes on, and is left.
    clean_up(&server);
    assert_eq!(stored(&server), (7, 1));
    drop(wire);
    wait_until("it is removed", || {
        clean_up(&server);
        stored(&server) == (0, 0)
    });
    assert_eq!(get(&server, "attachments").text(), "[]");
}

#[test]
fn an_upload_that_a_stop_cuts_off_is_removed_after_the_start() {
    let server = Server::start();
    let kept = png(100_000, 2);
    upload(&server, "kept.png", &kept);
    let mut wire = server.wire();
    wire.send(upload_head(PROFILE, "", "Content-Length: 4000000\r\n"));
    wire.send(Form::upload("a.png", &png(500_000, 1)).unfinished());
    wait_until("chunks are written", || stored(&server).0 == 9);
    let server = Setup::new().home(server.stop()).start();
    assert_eq!(stored(&server), (9, 1));
    clean_up(&server);
    assert_eq!(stored(&server), (2, 0));
    assert!(get(&server, "attachment/kept").body == kept);
}

#[test]
fn a_replaced_content_is_removed() {
    let server = Server::start();
    for round in 0..3 {
        upload(&server, "me.png", &png(200_000, round));
    }
    // The third upload has removed the first content.
    assert_eq!(stored(&server), (8, 1));
    clean_up(&server);
    assert_eq!(stored(&server), (4, 0));
    assert!(get(&server, "attachment/me").body == png(200_000, 2));
}

/// Background work, which pauses while others write, would come too late.
#[test]
fn uploads_use_the_space_again_of_what_was_replaced_or_refused() {
    const FILES: u64 = 4;
    const SIZE: usize = 1 << 20;
    let server = Server::start();
    for round in 0..10 {
        let content = png(SIZE, round);
        let refused = Form::upload("a.gif", &content);
        assert_eq!(post_form(&server, PROFILE, &refused).status, 400);
        for number in 0..FILES {
            upload(&server, &format!("{number}.png"), &content);
        }
    }
    let in_use = FILES * SIZE as u64;
    let file = server.data_dir().join("rememberd.redb");
    let file = fs::metadata(file).expect("the database").len();
    assert!(
        2 * file <= 5 * in_use,
        "{file} bytes, of which {in_use} are in use"
    );
    for number in 0..FILES {
        assert!(get(&server, &format!("attachment/{number}")).body == png(SIZE, 9));
    }
}

#[test]
fn the_attachments_of_a_deleted_profile_are_removed() {
    let server = Setup::new().flag("--cleaner-batch-max=4").start();
    for number in 0..9 {
        upload(&server, &format!("{number}.png"), &png(70_000, number));
    }
    let other = Form::upload("other.png", PNG);
    assert_eq!(post_form(&server, ACME_PROFILE, &other).status, 200);
    let client = server.client();
    let form = format!("accessTokenId={ADMIN}");
    let commits = server.app.store.commits();
    client
        .post(&format!("{PROFILES}/{PROFILE}/delete"), &form)
        .assert_empty();
    assert_eq!(server.app.store.commits(), commits + 1);
    let no_profile = format!("No profile with ID \"{PROFILE}\" found");
    get(&server, "attachment/1").assert_error(404, "NO_SUCH_PROFILE", &no_profile);
    assert_eq!(stored(&server), (19, 0));
    clean_up(&server);
    assert_eq!(stored(&server), (1, 0));
    let other = format!("{PROFILES}/{ACME_PROFILE}/attachment/other/details?{form}");
    assert_eq!(client.get(&other).status, 200);
}

/// Background work finds all contents that no attachment has, and removes one after the other.
#[test]
fn an_upload_that_is_published_while_others_are_removed_is_kept() {
    const FILES: usize = 30;
    let server = Server::start();
    let content = png(200_000, 1);
    for number in 0..FILES {
        upload(&server, &format!("{number}.png"), &png(70_000, 2));
    }
    let body = Form::upload("kept.png", &content).body();
    let fields = format!("Content-Length: {}\r\n", body.len());
    let mut wire = server.wire();
    wire.send(upload_head(ACME_PROFILE, "", &fields));
    wire.send(&body[..150_000]);
    wait_until("chunks are written", || {
        stored(&server) == (2 * FILES as u64 + 2, 1)
    });
    let form = format!("accessTokenId={ADMIN}");
    let client = server.client();
    client
        .post(&format!("{PROFILES}/{PROFILE}/delete"), &form)
        .assert_empty();
    thread::scope(|scope| {
        scope.spawn(|| clean_up(&server));
        wait_until("some are removed", || {
            stored(&server).0 < 2 * FILES as u64 && stored(&server).1 > 1
        });
        wire.send(&body[150_000..]);
        assert_eq!(wire.response().status, 200);
    });
    assert_eq!(stored(&server), (4, 0));
    let target = format!("{PROFILES}/{ACME_PROFILE}/attachment/kept?{form}");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(exchange(&server, request.as_bytes()).body == content);
}

#[test]
fn the_attachments_of_a_deleted_tenant_are_removed() {
    let server = Server::start();
    upload(&server, "kept.png", PNG);
    let other = Form::upload("other.png", &png(100_000, 1));
    assert_eq!(post_form(&server, ACME_PROFILE, &other).status, 200);
    let client = server.client();
    let form = format!("accessTokenId={ADMIN}");
    client
        .post("/crafter-profile/api/1/tenant/acme.com/delete", &form)
        .assert_empty();
    let target = format!("{PROFILES}/{ACME_PROFILE}/attachment/other?{form}");
    client.get(&target).assert_no_such_profile(ACME_PROFILE);
    server
        .block_on(rememberd::testing::service::tenant::remove_ended(
            &server.app,
        ))
        .expect("they are removed");
    clean_up(&server);
    assert_eq!(stored(&server), (1, 0));
    assert_eq!(get(&server, "attachment/kept").body, PNG);
}

/// Whoever uploads to a profile that is deleted meanwhile gets an error, and nothing is left.
#[test]
fn an_upload_to_a_profile_that_is_deleted_meanwhile_is_refused() {
    let server = Server::start();
    let body = Form::upload("a.png", &png(200_000, 1)).body();
    let mut wire = server.wire();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", body.len()),
    ));
    wire.send(&body[..150_000]);
    wait_until("chunks are written", || stored(&server).0 == 2);
    let form = format!("accessTokenId={ADMIN}");
    let target = format!("{PROFILES}/{PROFILE}/delete");
    server.client().post(&target, &form).assert_empty();
    wire.send(&body[150_000..]);
    assert_eq!(wire.response().status, 404);
    clean_up(&server);
    assert_eq!(stored(&server), (0, 0));
}
