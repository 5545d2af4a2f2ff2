//! The `Accept` header.

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::{ADMIN, LOGIN, first_login};
use crate::support::server::Server;

#[test]
fn json_is_the_only_response_format() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}?accessTokenId={ADMIN}");
    for (accept, is_acceptable) in [
        ("*/*", true),
        ("application/json", true),
        ("application/json;charset=UTF-8", true),
        ("application/*+json", true),
        ("application/vnd.api+json", true),
        ("text/html, application/json;q=0.5", true),
        ("text/html", false),
        ("application/xml", false),
        ("application/json;q=0", false),
    ] {
        let response = client.send("GET", &target, &[("accept", accept)], None);
        if is_acceptable {
            assert_eq!(response.login(), first_login(), "{accept}");
        } else {
            response.assert_other_error(406);
        }
    }
}

#[test]
fn a_request_that_does_not_accept_json_has_no_effect() {
    let server = Server::start();
    let client = server.client();
    let form = format!("accessTokenId={ADMIN}");
    let target = format!("{LOGINS}/{LOGIN}/refresh_token");
    let headers = [FORM, ("accept", "text/html")];
    let response = client.send("POST", &target, &headers, Some(form.as_bytes()));
    response.assert_other_error(406);
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn the_suffix_decides_the_format() {
    let server = Server::start();
    let client = server.client();
    let html = [("accept", "text/html")];
    for path in [
        format!("{LOGIN}.json"),
        format!("{LOGIN}.json/"),
        format!("{LOGIN}.json;a=b"),
    ] {
        let target = format!("{LOGINS}/{path}?accessTokenId={ADMIN}");
        let read = client.send("GET", &target, &html, None).login();
        assert_eq!(read, first_login(), "{path}");
    }
    let target = format!("{LOGINS}/{LOGIN}/refresh_token.json?accessTokenId={ADMIN}");
    client.send("POST", &target, &html, None).login();
    // Only that of the last segment, and not one of the query.
    let target = format!("{LOGINS}/{LOGIN}.json/refresh_token?accessTokenId={ADMIN}");
    client
        .send("POST", &target, &html, None)
        .assert_other_error(406);
    let target = format!("{LOGINS}/{LOGIN}?accessTokenId={ADMIN}&x=.json");
    client
        .send("GET", &target, &html, None)
        .assert_other_error(406);
}

#[test]
fn an_empty_answer_has_no_format() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}/delete?accessTokenId={ADMIN}");
    let response = client.send("POST", &target, &[("accept", "text/html")], None);
    response.assert_empty();
    client.read(LOGIN).assert_no_such_login(LOGIN);
}
