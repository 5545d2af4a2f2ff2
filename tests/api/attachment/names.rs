//! The names of attachments.

use crate::attachment::{Form, PNG, get, post_form, upload};
use crate::support::fixture::PROFILE;
use crate::support::server::Server;

#[test]
fn an_attachment_is_read_by_the_name_of_its_file_without_the_last_extension() {
    let server = Server::start();
    for (file, path, file_name) in [
        ("me.png", "me", "me"),
        ("a.b.png", "a.b", "a.b"),
        ("ME.PNG", "ME", "ME"),
        (
            "zw\u{F6}lf \u{1F600}.png",
            "zw%C3%B6lf%20%F0%9F%98%80",
            "zw\u{F6}lf \u{1F600}",
        ),
        ("a;b=c%2F.png", "a%3Bb=c%252F", "a;b=c%2F"),
        ("dir/sub.png", "dir/sub", "sub"),
        ("/dir/sub.png", "dir//sub/", "sub"),
        ("details.png", "details", "details"),
        ("a?b#c+d&e.png", "a%3Fb%23c+d&e", "a?b#c+d&e"),
    ] {
        assert_eq!(upload(&server, file, PNG)["fileName"], file_name, "{file}");
        assert_eq!(
            get(&server, &format!("attachment/{path}")).body,
            PNG,
            "{file}"
        );
        let details = get(&server, &format!("attachment/{path}/details"));
        assert_eq!(details.json()["fileName"], file_name, "{file}");
    }
    // The suffix of paths is ignored here too.
    upload(&server, "a.json.png", PNG);
    assert_eq!(get(&server, "attachment/a.json.json").body, PNG);
    assert_eq!(get(&server, "attachment/a.json/details").status, 200);
    assert_eq!(get(&server, "attachment/me.json").body, PNG);
    assert_eq!(get(&server, "attachment/me/details.json").status, 200);
    let message = "The path holds an encoded slash";
    get(&server, "attachment/dir%2Fsub").assert_error(400, "OTHER", message);
    get(&server, "attachment/Me").assert_error(
        404,
        "OTHER",
        "No attachment with name \"Me\" found",
    );
}

#[test]
fn what_is_no_name_is_refused() {
    let server = Server::start();
    let long = "x".repeat(256);
    let types = "The file name of an attachment needs one of the extensions bmp, gif, jpg, jpeg, png, tif, tiff and svg, \
                 all in lower or all in upper case";
    let empty = "The name of the attachment has an empty part";
    let path = "The name of the attachment has a part '.' or '..', a backslash, a control character, or bytes that are \
                not UTF-8";
    for (file, message) in [
        ("me", types),
        ("me.", types),
        ("me.txt", types),
        ("me.Png", types),
        ("me.png.exe", types),
        (".png", empty),
        ("a/.png", empty),
        ("a//b.png", empty),
        ("../a.png", path),
        ("a/./b.png", path),
        ("...png", path),
        ("C:\\a.png", path),
        ("a\u{7F}.png", path),
        (
            &*format!("{long}.png"),
            "The name of the attachment is longer than 255 bytes",
        ),
    ] {
        let form = Form::upload("me.png", PNG).text("filename", file);
        post_form(&server, PROFILE, &form).assert_error(400, "OTHER", message);
    }
    // `filename` wins, also where the name of the file is none.
    let form = Form::upload("me", PNG).text("filename", "you.png");
    assert_eq!(post_form(&server, PROFILE, &form).json()["fileName"], "you");
    // The name of a file in the form is no better.
    let form = Form::upload("\u{FFFD}.png", PNG);
    post_form(&server, PROFILE, &form).assert_error(400, "OTHER", path);
    let listed = get(&server, "attachments").json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}
