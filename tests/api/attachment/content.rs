//! The types of attachments, by their names and by their contents.

use crate::attachment::{Form, PNG, get, post_form, upload};
use crate::support::fixture::PROFILE;
use crate::support::server::Server;

const SVG: &[u8] =
    b"<?xml version=\"1.0\"?>\n<!-- a logo -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

/// The beginnings of files, with the extensions that they may have.
const FILES: [(&[u8], &[&str], &str); 7] = [
    (PNG, &["png", "PNG"], "image/png"),
    (b"GIF87a", &["gif", "GIF"], "image/gif"),
    (
        b"\xFF\xD8\xFF\xE0",
        &["jpg", "JPG", "jpeg", "JPEG"],
        "image/jpeg",
    ),
    (b"BM\x20\0", &["bmp", "BMP"], "image/bmp"),
    (b"II*\0\x08", &["tif", "TIF", "tiff", "TIFF"], "image/tiff"),
    (b"MM\0*\0", &["tif", "tiff"], "image/tiff"),
    (SVG, &["svg", "SVG"], "image/svg+xml"),
];

#[test]
fn an_attachment_has_the_type_that_its_name_and_its_content_say() {
    let server = Server::start();
    for (content, extensions, content_type) in FILES {
        for extension in extensions {
            let uploaded = upload(&server, &format!("me.{extension}"), content);
            assert_eq!(uploaded["contentType"], content_type);
            let answer = get(&server, "attachment/me");
            let expected = format!("{content_type};charset=UTF-8");
            assert_eq!(answer.header("content-type"), expected);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.body, content);
            // A browser must not run what is in it.
            let disposition = answer.header("content-disposition");
            let is_svg = content_type == "image/svg+xml";
            let expected = if is_svg {
                "attachment; filename=\"me.svg\""
            } else {
                ""
            };
            assert_eq!(disposition, expected);
        }
    }
}

#[test]
fn a_content_of_another_type_is_refused() {
    let server = Server::start();
    let mut refused = 0;
    for (content, _, found) in FILES {
        for (_, extensions, named) in FILES {
            if named == found {
                continue;
            }
            let form = Form::upload(&format!("me.{}", extensions[0]), content);
            let message =
                format!("The name of the attachment says {named}, and its content is {found}");
            post_form(&server, PROFILE, &form).assert_error(400, "OTHER", &message);
            refused += 1;
        }
    }
    assert!(refused > 30);
    let html = "<html><svg></svg></html>";
    let far = format!("<!-- {} --><svg/>", "x".repeat(5_000));
    for content in ["hello", html, "<!-- <svg> -->", &far, "GIF88a", "\u{FEFF}"] {
        for (_, extensions, named) in FILES {
            let form = Form::upload(&format!("me.{}", extensions[0]), content.as_bytes());
            let message = format!(
                "The name of the attachment says {named}, and its content is no image that attachments may be"
            );
            post_form(&server, PROFILE, &form).assert_error(400, "OTHER", &message);
        }
    }
    assert_eq!(get(&server, "attachments").text(), "[]");
}

#[test]
fn an_empty_file_is_of_every_type() {
    let server = Server::start();
    let uploaded = upload(&server, "me.png", b"");
    assert_eq!(uploaded["fileSize"], "0");
    assert_eq!(uploaded["fileSizeBytes"], 0);
    assert_eq!(uploaded["md5"], "d41d8cd98f00b204e9800998ecf8427e");
    let answer = get(&server, "attachment/me");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), "0");
    assert_eq!(answer.header("content-type"), "image/png;charset=UTF-8");
}

#[test]
fn the_name_in_a_header_is_clean() {
    let server = Server::start();
    let form = Form::upload("a.svg", SVG).text("filename", "a \"x\u{F6}.svg");
    assert_eq!(post_form(&server, PROFILE, &form).status, 200);
    let answer = get(&server, "attachment/a%20%22x%C3%B6");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"a__x_.svg\"; filename*=UTF-8''a%20%22x%C3%B6.svg"
    );
}
