//! Uploading an attachment.

use rememberd::testing::Event;

use crate::attachment::{
    Form, PNG, PROFILES, exchange, get, png, post_form, post_to, stored, upload, upload_head,
};
use crate::support::fixture::{
    ADMIN, BOTH, NO_PROFILE, POWERLESS, PROFILE, PROFILES as PROFILES_ONLY, READERS,
};
use crate::support::server::{Server, Setup};

const OTHER: &str = "OTHER";

#[test]
fn an_upload_returns_the_attachment_of_the_contract() {
    let server = Server::start();
    let answer = post_form(
        &server,
        PROFILE,
        &Form::upload("me.png", b"\x89PNG\r\n\x1a\n"),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.json()["id"].as_str().expect("a text").to_owned();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // The digest is that of `printf '\x89PNG\r\n\x1a\n' | md5sum`.
    let json = format!(
        r#"{{"md5":"e9dd2797018cad79186e03e8c5aec8dc","contentType":"image/png","fileSize":"8 B","fileName":"me","fileSizeBytes":8,"id":"{id}"}}"#
    );
    assert_eq!(answer.text(), json);
    assert_eq!(get(&server, "attachment/me").body, PNG);
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::UploadAttachment), 1);
}

#[test]
fn the_parts_come_in_any_order_and_the_access_token_in_any_place() {
    let server = Server::start();
    let file = |form: Form| form.file("attachment", "a.gif", b"GIF89a");
    let token = |form: Form| form.text("accessTokenId", READERS);
    let name = |form: Form| form.text("filename", "b.gif");
    let none = Form::default;
    for (query, form, expected) in [
        ("", file(token(none())), "a"),
        ("", token(file(none())), "a"),
        ("", token(name(file(none()))), "b"),
        ("", name(file(token(none()))), "b"),
        ("", file(name(token(none()))), "b"),
        ("?accessTokenId=may-read-profiles", file(none()), "a"),
        (
            "?accessTokenId=may-read-profiles&filename=b.gif",
            file(none()),
            "b",
        ),
        ("", token(file(none()).text("filename", " \t")), "a"),
        ("", token(file(none()).text("filename", "")), "a"),
        ("", token(file(none()).text("other", "x")), "a"),
    ] {
        let answer = post_to(&server, PROFILE, query, &form);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert_eq!(answer.json()["fileName"], expected);
    }
    let body = file(none()).body();
    let fields = format!(
        "Authorization: Bearer {ADMIN}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    let request = [upload_head(PROFILE, "", &fields).as_bytes(), &body].concat();
    assert_eq!(exchange(&server, &request).status, 200);
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = Server::start();
    // Everything else is wrong too: the type, and the content.
    let form = |token: &str| {
        let form = Form::default().file("attachment", "a.exe", &png(100_000, 1));
        form.text("accessTokenId", token)
    };
    let denied = |action: &str| {
        format!(
            "Current subject does not have permission to execute action \"{action}\" on tenant \"default\""
        )
    };
    let missing = "Access token ID param missing from request";
    let unknown = "No access token found for ID \"nobody\"";
    let no_profile = format!("No profile with ID \"{NO_PROFILE}\" found");
    for (profile, token, status, code, message) in [
        (PROFILE, "", 403, "ACCESS_DENIED", missing),
        (PROFILE, "nobody", 403, "ACCESS_DENIED", unknown),
        (NO_PROFILE, POWERLESS, 404, "NO_SUCH_PROFILE", &*no_profile),
        (
            PROFILE,
            POWERLESS,
            403,
            "ACTION_DENIED",
            &*denied("MANAGE_PROFILES"),
        ),
        (
            PROFILE,
            PROFILES_ONLY,
            403,
            "ACTION_DENIED",
            &*denied("READ_TENANT"),
        ),
        (PROFILE, BOTH, 403, "ACTION_DENIED", &*denied("READ_TENANT")),
    ] {
        // Known after the file, before it, and before the body.
        post_form(&server, profile, &form(token)).assert_error(status, code, message);
        let first = Form::default().text("accessTokenId", token);
        let first = first.file("attachment", "a.exe", &png(100_000, 1));
        post_form(&server, profile, &first).assert_error(status, code, message);
        let query = format!("?accessTokenId={token}");
        let file = Form::default().file("attachment", "a.exe", &png(100_000, 1));
        post_to(&server, profile, &query, &file).assert_error(status, code, message);
        // Whatever else is missing.
        let nothing = Form::default().text("accessTokenId", token);
        post_form(&server, profile, &nothing).assert_error(status, code, message);
        let form = format!("accessTokenId={token}");
        let target = format!("{PROFILES}/{profile}/uploadAttachment");
        server
            .client()
            .post(&target, &form)
            .assert_error(status, code, message);
    }
    let answer = post_form(&server, PROFILE, &form(READERS));
    let message = "The file name of an attachment needs one of the extensions bmp, gif, jpg, jpeg, png, tif, tiff and svg, \
                   all in lower or all in upper case";
    answer.assert_error(400, OTHER, message);
    assert_eq!(get(&server, "attachments").text(), "[]");
}

#[test]
fn an_upload_without_a_file_is_refused() {
    let server = Server::start();
    let message = "Parameter 'attachment' is no file: it must be a part of a multipart form, with a file name";
    let token = || Form::default().text("accessTokenId", ADMIN);
    for form in [
        token(),
        token().text("attachment", "x"),
        token().text("filename", "a.png"),
    ] {
        post_form(&server, PROFILE, &form).assert_error(400, OTHER, message);
    }
    let target = format!("{PROFILES}/{PROFILE}/uploadAttachment");
    let client = server.client();
    for form in ["", "&attachment=x", "&filename=a.png"] {
        let form = format!("accessTokenId={ADMIN}{form}");
        client
            .post(&target, &form)
            .assert_error(400, OTHER, message);
    }
    let nothing = client.send(
        "POST",
        &format!("{target}?accessTokenId={ADMIN}"),
        &[],
        None,
    );
    nothing.assert_error(400, OTHER, message);
    let twice = Form::upload("a.png", PNG).file("attachment", "b.png", PNG);
    let message = "Parameter 'attachment' is given twice";
    post_form(&server, PROFILE, &twice).assert_error(400, OTHER, message);
    let other = token().file("photo", "a.png", PNG);
    let message = "The part 'photo' is a file, and only 'attachment' may be one";
    post_form(&server, PROFILE, &other).assert_error(415, OTHER, message);
    assert_eq!(get(&server, "attachments").text(), "[]");
}

#[test]
fn two_access_tokens_that_differ_are_refused() {
    let server = Server::start();
    let body = Form::upload("a.png", PNG).body();
    let fields = format!(
        "Authorization: Bearer {READERS}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    let request = [upload_head(PROFILE, "", &fields).as_bytes(), &body].concat();
    let message =
        "Parameter 'accessTokenId' differs from the access token of the Authorization header field";
    exchange(&server, &request).assert_error(400, OTHER, message);
    assert_eq!(stored(&server), (0, 0));
}

#[test]
fn a_malformed_form_is_refused() {
    let server = Server::start();
    let whole = Form::upload("a.png", &png(1_000, 1)).body();
    let bodies: [&[u8]; 5] = [
        b"x",
        b"------boundary-of-tests\r\n",
        b"------boundary-of-tests\r\nContent-Disposition: form-data\r\n\r\nx\r\n------boundary-of-tests--\r\n",
        &whole[..whole.len() - 20],
        &whole[..500],
    ];
    for body in bodies {
        let fields = format!("Content-Length: {}\r\n", body.len());
        let request = [upload_head(PROFILE, "", &fields).as_bytes(), body].concat();
        let answer = exchange(&server, &request);
        answer.assert_error(400, OTHER, "The request body is incomplete or malformed");
        assert_eq!(answer.header("connection"), "close");
    }
    let target = format!("{PROFILES}/{PROFILE}/uploadAttachment");
    let headers = [("content-type", "multipart/form-data")];
    let answer = server.client().send("POST", &target, &headers, Some(b"x"));
    answer.assert_error(400, OTHER, "The request body is incomplete or malformed");
    assert_eq!(stored(&server), (0, 0));
}

#[test]
fn other_methods_are_refused_and_options_are_told() {
    let server = Server::start();
    let client = server.client();
    let paths = [
        ("uploadAttachment", "POST,OPTIONS", "GET"),
        ("attachment/x", "GET,HEAD,OPTIONS", "POST"),
        ("attachment/x/details", "GET,HEAD,OPTIONS", "POST"),
        ("attachments", "GET,HEAD,OPTIONS", "POST"),
        ("attachments/", "GET,HEAD,OPTIONS", "PUT"),
    ];
    for (path, allow, wrong) in paths {
        let target = format!("{PROFILES}/{PROFILE}/{path}");
        let refused = client.send(wrong, &target, &[], None);
        refused.assert_error(
            405,
            OTHER,
            &format!("Request method '{wrong}' not supported"),
        );
        assert_eq!(refused.header("allow"), allow, "{path}");
        let options = client.send(
            "OPTIONS",
            &format!("{target}?accessTokenId={ADMIN}"),
            &[],
            None,
        );
        options.assert_empty();
        assert_eq!(options.header("allow"), allow, "{path}");
    }
    for path in [
        "attachment",
        "attachment/",
        "uploadAttachment/x",
        "attachments/x",
    ] {
        let answer = client.get(&format!("{PROFILES}/{PROFILE}/{path}"));
        answer.assert_error(404, OTHER, "Nothing is served at this path");
    }
}

#[test]
fn an_upload_answers_json_or_nothing() {
    let server = Server::start();
    let body = Form::upload("a.png", PNG).body();
    for (suffix, accept, status) in [
        ("", "application/json", 200),
        ("", "*/*", 200),
        ("", "image/*", 406),
        (".json", "image/*", 200),
    ] {
        let fields = format!(
            "Accept: {accept}\r\nContent-Length: {}\r\nConnection: close\r\n",
            body.len()
        );
        let head = upload_head(PROFILE, "", &fields);
        let head = head.replace("/uploadAttachment", &format!("/uploadAttachment{suffix}"));
        let answer = exchange(&server, &[head.as_bytes(), &body].concat());
        assert_eq!(answer.status, status, "{suffix} {accept}: {answer:?}");
    }
}

#[test]
fn an_attachment_outlives_the_server() {
    let server = Server::start();
    let content = png(200_000, 7);
    let uploaded = upload(&server, "me.png", &content);
    let server = Setup::new().home(server.stop()).start();
    assert_eq!(get(&server, "attachment/me").body, content);
    assert_eq!(get(&server, "attachment/me/details").json(), uploaded);
    assert_eq!(stored(&server).1, 0);
}

#[test]
fn an_upload_may_be_chunked_and_the_connection_goes_on() {
    let server = Server::start();
    let mut wire = server.wire();
    let content = png(300_000, 9);
    let body = Form::upload("me.png", &content).body();
    wire.send(upload_head(PROFILE, "", "Transfer-Encoding: chunked\r\n"));
    for piece in body.chunks(70_001) {
        wire.send(format!("{:x}\r\n", piece.len()));
        wire.send(piece);
        wire.send("\r\n");
    }
    wire.send("0\r\n\r\n");
    assert_eq!(wire.response().status, 200);
    assert_eq!(get(&server, "attachment/me").body, content);
    // Also after a refusal, whose body was read to the end.
    let form = Form::default().text("accessTokenId", POWERLESS);
    let refused = form.file("attachment", "me.png", &content).body();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", refused.len()),
    ));
    wire.send(&refused);
    assert_eq!(wire.response().status, 403);
    let body = Form::upload("me.png", PNG).body();
    wire.send(upload_head(
        PROFILE,
        "",
        &format!("Content-Length: {}\r\n", body.len()),
    ));
    wire.send(&body);
    assert_eq!(wire.response().status, 200);
    assert_eq!(get(&server, "attachment/me").body, PNG);
}
