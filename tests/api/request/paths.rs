//! The routes: paths, their spellings, and methods.

use crate::support::client::{Client, LOGINS, Response};
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, first_login};
use crate::support::server::{Server, Setup};

/// The endpoints without the context path.
const BARE: &str = "/api/1/authentication/persistent_login";

/// GET a path with the access token that allows everything.
fn read(client: &Client, path: &str) -> Response {
    client.get(&format!("{path}?accessTokenId={ADMIN}"))
}

#[track_caller]
fn assert_not_found(response: &Response) {
    response.assert_error(404, "OTHER", "Nothing is served at this path");
}

#[test]
fn a_login_is_read_with_every_spelling_of_its_path() {
    let server = Server::start();
    for path in [
        format!("{LOGINS}/{LOGIN}"),
        format!("{LOGINS}/{LOGIN}.json"),
        format!("{BARE}/{LOGIN}"),
        format!("{BARE}/{LOGIN}.json"),
        format!("{LOGINS}/{LOGIN}/"),
        format!("{LOGINS}/{LOGIN}.json/"),
        format!("{LOGINS}//{LOGIN}"),
        format!("/{LOGINS}/{LOGIN}//"),
        format!("//api//1//authentication//persistent_login//{LOGIN}"),
        format!("{LOGINS}/{LOGIN};jsessionid=1A2B"),
        format!("{LOGINS}/{LOGIN}.json;a=b;c=d"),
        format!("{LOGINS};a=b/{LOGIN}"),
        format!("/crafter-profile;a=b{BARE}/{LOGIN}"),
        format!("{LOGINS}/%62{}", &LOGIN[1..]),
        format!("/crafter-profile/%61pi/1/authentication/persistent%5Flogin/{LOGIN}"),
    ] {
        assert_eq!(
            read(&server.client(), &path).login(),
            first_login(),
            "{path}"
        );
    }
}

#[test]
fn a_login_is_created_refreshed_and_deleted_with_every_spelling() {
    let server = Server::start();
    let client = server.client();
    let form = format!(
        "accessTokenId={ADMIN}&profileId={}",
        first_login().profile_id
    );
    for base in [LOGINS, BARE] {
        for end in ["", ".json", "/", ".json/", ";x=y", ".json;x=y"] {
            let login = client.post(&format!("{base}/create{end}"), &form).login();
            let target = format!("{base}/{}/refresh_token{end}", login.id);
            let refreshed = client.post(&target, &form).login();
            assert_ne!(refreshed.token, login.token, "{target}");
            let target = format!("{base}/{};x=y//delete{end}", login.id);
            client.post(&target, &form).assert_empty();
            client.read(&login.id).assert_no_such_login(&login.id);
        }
    }
}

#[test]
fn only_a_final_json_is_stripped() {
    let server = Server::start();
    let client = server.client();
    for (segment, id) in [
        ("acme.com", "acme.com"),
        ("acme.com.json", "acme.com"),
        ("x.json.json", "x.json"),
        ("x.JSON", "x.JSON"),
    ] {
        read(&client, &format!("{LOGINS}/{segment}")).assert_no_such_login(id);
    }
    client
        .refresh(&format!("{LOGIN}.json"))
        .assert_no_such_login(&format!("{LOGIN}.json"));
}

#[test]
fn ids_are_percent_decoded_as_utf_8() {
    let server = Server::start();
    let client = server.client();
    for (segment, id) in [
        ("z%C3%B6lf", "zölf"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%3Bb", "a;b"),
        ("%FF", "\u{FFFD}"),
        ("100%25", "100%"),
        ("say%22hi%22", "say\"hi\""),
    ] {
        read(&client, &format!("{LOGINS}/{segment}")).assert_no_such_login(id);
    }
}

#[test]
fn what_no_segment_may_hold_is_refused() {
    let server = Server::start();
    let client = server.client();
    let slashes = ["a%2Fb", "a%2fb", "%2F"];
    let malformed = ["100%", "%", "a%2", "%zz", "%u0041"];
    let others = ["a%00", "a%5Cb", "a%5cb"];
    for id in slashes.into_iter().chain(malformed).chain(others) {
        client.read(id).assert_other_error(400);
        client.refresh(id).assert_other_error(400);
        client.delete(id).assert_other_error(400);
    }
}

#[test]
fn paths_are_case_sensitive() {
    let server = Server::start();
    for path in [
        format!("/Crafter-Profile{BARE}/{LOGIN}"),
        format!("/crafter-profile/API/1/authentication/persistent_login/{LOGIN}"),
        format!("/api/1/authentication/Persistent_Login/{LOGIN}"),
    ] {
        assert_not_found(&read(&server.client(), &path));
    }
    let form = format!("accessTokenId={ADMIN}");
    let target = format!("{LOGINS}/{LOGIN}/Refresh_Token");
    assert_not_found(&server.client().post(&target, &form));
}

#[test]
fn an_unknown_path_is_refused_before_the_access_token_is_checked() {
    let server = Server::start();
    for path in [
        "/",
        "/api/1",
        "/api/2/authentication/persistent_login/x",
        "/crafter-profile",
        "/crafter-profiles/api/1/authentication/persistent_login/x",
        "/crafter-profile/crafter-profile/api/1/authentication/persistent_login/x",
        BARE,
        "/api/1/authentication/persistent_login/x/refresh",
        "/api/1/authentication/persistent_login/x/delete/now",
        "/health",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            assert_not_found(&server.client().send(method, path, &[], None));
        }
    }
}

#[test]
fn a_wrong_method_is_refused_before_the_access_token_is_checked() {
    let server = Server::start();
    let client = server.client();
    let cases = [
        ("create", "GET,HEAD,POST,OPTIONS", ["PUT", "DELETE"]),
        (LOGIN, "GET,HEAD,OPTIONS", ["POST", "DELETE"]),
        (NO_LOGIN, "GET,HEAD,OPTIONS", ["DELETE", "PATCH"]),
        ("x/refresh_token", "POST,OPTIONS", ["GET", "HEAD"]),
        ("x/refresh_token.json", "POST,OPTIONS", ["PUT", "BREW"]),
        ("x/delete", "POST,OPTIONS", ["GET", "DELETE"]),
    ];
    for (path, allow, methods) in cases {
        for method in methods {
            let response = client.send(method, &format!("{LOGINS}/{path}"), &[], None);
            assert_eq!(response.header("allow"), allow, "{method} {path}");
            if method == "HEAD" {
                assert_eq!(response.status, 405);
                continue;
            }
            let message = format!("Request method '{method}' not supported");
            response.assert_error(405, "OTHER", &message);
        }
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn the_context_path_is_configurable() {
    let server = Setup::new().flag("--context-path=/a/b").start();
    let client = server.client();
    let path = format!("{BARE}/{LOGIN}");
    for context in ["", "/a/b"] {
        let read = read(&client, &format!("{context}{path}"));
        assert_eq!(read.login(), first_login());
    }
    for context in ["/crafter-profile", "/a", "/b"] {
        assert_not_found(&read(&client, &format!("{context}{path}")));
    }
}

#[test]
fn the_context_path_may_be_empty() {
    let server = Setup::new().flag("--context-path=/").start();
    let client = server.client();
    let path = format!("{BARE}/{LOGIN}");
    assert_eq!(read(&client, &path).login(), first_login());
    assert_not_found(&read(&client, &format!("/crafter-profile{path}")));
}
