//! The list of the attachments of a profile.

use crate::attachment::{PNG, PROFILES, get, png, upload};
use crate::support::fixture::{ADMIN, DISABLED_PROFILE, PROFILE};
use crate::support::server::Server;

#[test]
fn a_list_has_all_attachments_of_the_profile_in_the_order_of_their_names() {
    let server = Server::start();
    assert_eq!(get(&server, "attachments/").text(), "[]");
    let b = upload(&server, "b.png", PNG);
    let a = upload(&server, "a.png", &png(100_000, 1));
    let c = upload(&server, "a/c.png", PNG);
    for path in ["attachments", "attachments/", "attachments.json"] {
        let answer = get(&server, path);
        assert_eq!(answer.status, 200);
        let list = answer.json();
        assert_eq!(
            list.as_array().expect("a list"),
            &[a.clone(), c.clone(), b.clone()]
        );
    }
    let other = format!("{PROFILES}/{DISABLED_PROFILE}/attachments/?accessTokenId={ADMIN}");
    assert_eq!(server.client().get(&other).body, "[]");
}

#[test]
fn the_profile_may_be_named_once_more() {
    let server = Server::start();
    upload(&server, "a.png", PNG);
    let client = server.client();
    let list = |id: &str| {
        let path =
            format!("{PROFILES}/{PROFILE}/attachments/?accessTokenId={ADMIN}&profileId={id}");
        client.get(&path)
    };
    assert!(list(PROFILE).body.contains("\"fileName\":\"a\""));
    assert!(list("").body.contains("\"fileName\":\"a\""));
    list(DISABLED_PROFILE).assert_bad_parameter("profileId");
}

#[test]
fn a_long_list_is_whole() {
    let server = Server::start();
    for number in 0..60 {
        upload(&server, &format!("image-{number:03}.png"), PNG);
    }
    let list = get(&server, "attachments").json();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 60);
    assert_eq!(list[59]["fileName"], "image-059");
}
