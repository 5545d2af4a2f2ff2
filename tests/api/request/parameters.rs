//! Parameters in the query and in the body, and content types.

use crate::support::client::{Client, FORM, LOGINS, Response};
use crate::support::fixture::{ADMIN, LOGIN, NO_LOGIN, POWERLESS, PROFILE, first_login};
use crate::support::raw_request::assert_unharmed;
use crate::support::server::Server;

const MULTIPART: &str = "multipart/form-data; boundary=edge";

fn create(client: &Client, query: &str, content_type: &str, body: &str) -> Response {
    let target = format!("{LOGINS}/create{query}");
    let headers = [("content-type", content_type)];
    client.send("POST", &target, &headers, Some(body.as_bytes()))
}

#[track_caller]
fn assert_missing_access_token(response: &Response) {
    let message = "Access token ID param missing from request";
    response.assert_error(403, "ACCESS_DENIED", message);
}

#[test]
fn parameters_may_be_in_the_query_or_in_the_form() {
    let server = Server::start();
    let client = server.client();
    let (token, profile) = (
        format!("accessTokenId={ADMIN}"),
        format!("profileId={PROFILE}"),
    );
    for (query, form) in [
        (format!("?{token}&{profile}"), String::new()),
        (format!("?{token}"), profile.clone()),
        (format!("?{profile}"), token.clone()),
        (String::new(), format!("{profile}&{token}")),
    ] {
        let login = create(&client, &query, FORM.1, &form).login();
        assert_eq!(login.profile_id, PROFILE, "{query} {form}");
    }
}

#[test]
fn a_post_may_have_no_body() {
    let server = Server::start();
    let target = format!("{LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN}");
    let refreshed = server.client().send("POST", &target, &[], None).login();
    assert_eq!(refreshed, first_login().with_token(&refreshed.token));
}

#[test]
fn repeated_texts_are_joined_and_of_access_tokens_the_first_applies() {
    let server = Server::start();
    let client = server.client();
    let query = format!("?accessTokenId={ADMIN}&accessTokenId={POWERLESS}");
    let form = format!("accessTokenId={POWERLESS}&profileId={PROFILE}&profileId=second");
    let joined = create(&client, &query, FORM.1, &form);
    joined.assert_no_such_profile(&format!("{PROFILE},second"));
    let form = format!("accessTokenId={ADMIN}&profileId={PROFILE}");
    let response = create(&client, "?profileId=query", FORM.1, &form);
    response.assert_no_such_profile(&format!("query,{PROFILE}"));
    let response = create(&client, "?label=Phone&label=of+Jane", FORM.1, &form);
    response.login();
    let listed = client.by_profile(PROFILE, "").list();
    assert!(
        listed
            .iter()
            .any(|login| login.label.as_deref() == Some("Phone,of Jane"))
    );
    assert_missing_access_token(&create(&client, "?accessTokenId=", FORM.1, &form));
}

#[test]
fn booleans_have_several_names() {
    let server = Server::start();
    let client = server.client();
    let extended = |value: &str| {
        let query = format!("accessTokenId={ADMIN}&extended={value}");
        client.get(&format!("{LOGINS}/{LOGIN}?{query}"))
    };
    for value in ["true", "ON", "Yes", "%201%20", "true&extended=false"] {
        let response = extended(value);
        assert!(response.body.contains("expiresOn"), "{value}: {response:?}");
    }
    for value in ["false", "oFF", "NO", "0", "", "%20", "no&extended=yes"] {
        assert_eq!(extended(value).login(), first_login(), "{value}");
    }
    for value in ["2", "wahr", "truefalse", "true,true"] {
        extended(value).assert_bad_parameter("extended");
    }
}

#[test]
fn the_charset_of_a_form_is_ignored() {
    let server = Server::start();
    let form = format!("accessTokenId={ADMIN}&profileId=z%C3%B6lf");
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded; charset=ISO-8859-1",
        "Application/X-WWW-Form-URLencoded ; Charset=\"utf-8\"",
    ] {
        let response = create(&server.client(), "", content_type, &form);
        response.assert_no_such_profile("zölf");
    }
}

#[test]
fn names_and_values_are_decoded_as_utf_8() {
    let server = Server::start();
    for (value, id) in [
        ("a+b%2Bc", "a b+c"),
        ("%C3%A9", "é"),
        ("%FF%E2%82", "\u{FFFD}\u{FFFD}"),
        ("100%", "100%"),
        ("a=b", "a=b"),
    ] {
        let token = format!("?accessToken%49d={ADMIN}");
        let response = create(
            &server.client(),
            &token,
            FORM.1,
            &format!("profileId={value}"),
        );
        response.assert_no_such_profile(id);
    }
}

#[test]
fn raw_bytes_that_are_not_utf_8_become_replacement_characters() {
    let server = Server::start();
    let mut form = format!("accessTokenId={ADMIN}&profileId=").into_bytes();
    form.extend([b'x', 0xFF, b'y']);
    let target = format!("{LOGINS}/create");
    let response = server.client().send("POST", &target, &[FORM], Some(&form));
    response.assert_no_such_profile("x\u{FFFD}y");
}

#[test]
fn parameters_may_be_in_a_multipart_form() {
    let server = Server::start();
    let body = parts(&[("accessTokenId", ADMIN), ("profileId", PROFILE)]);
    let login = create(&server.client(), "", MULTIPART, &body).login();
    assert_eq!(login.profile_id, PROFILE);
    let body = parts(&[("accessTokenId", ADMIN)]);
    let query = format!("?profileId={PROFILE}");
    let login = create(&server.client(), &query, MULTIPART, &body).login();
    assert_eq!(login.profile_id, PROFILE);
}

#[test]
fn an_invalid_multipart_body_is_refused() {
    let server = Server::start();
    let client = server.client();
    let whole = parts(&[("accessTokenId", ADMIN), ("profileId", PROFILE)]);
    let half = &whole[..whole.len() / 2];
    for (content_type, body) in [(MULTIPART, half), ("multipart/form-data", &whole)] {
        create(&client, "", content_type, body).assert_other_error(400);
    }
}

#[test]
fn a_part_outside_of_a_multipart_form_is_refused() {
    let server = Server::start();
    let client = server.client();
    let form = parts(&[("accessTokenId", ADMIN)]);
    let token = parts(&[("token", NO_LOGIN)]);
    let target = format!("{LOGINS}/{LOGIN}/refresh_token");
    let multipart = [("content-type", MULTIPART)];
    let preamble = form.replacen("--edge", "token\r\n--edge", 1);
    for body in [
        form.clone() + &token,
        format!("--edge--\r\n{token}"),
        preamble,
    ] {
        let target = format!("{target}?accessTokenId={ADMIN}");
        let response = client.send("POST", &target, &multipart, Some(body.as_bytes()));
        response.assert_other_error(400);
    }
    assert_unharmed(&server);
    let spaced = format!("\r\n{form} \r\n");
    let response = client.send("POST", &target, &multipart, Some(spaced.as_bytes()));
    assert_eq!(response.status, 200, "{response:?}");
}

#[test]
fn the_body_of_a_get_is_ignored() {
    let server = Server::start();
    let mut wire = server.wire();
    let form = format!("accessTokenId={ADMIN}");
    let length = form.len();
    wire.send(format!(
        "GET {LOGINS}/{LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\r\n{form}",
        FORM.1
    ));
    assert_eq!(wire.response().status, 403);
}

#[test]
fn the_access_token_is_checked_before_a_missing_parameter() {
    let server = Server::start();
    let client = server.client();
    let missing = create(&client, "", FORM.1, &format!("accessTokenId={ADMIN}"));
    let message =
        "Required request parameter 'profileId' for method parameter type String is not present";
    missing.assert_error(400, "OTHER", message);
    assert_missing_access_token(&create(&client, "", FORM.1, ""));
    let unknown = create(&client, "", FORM.1, "accessTokenId=nobody");
    let message = "No access token found for ID \"nobody\"";
    unknown.assert_error(403, "ACCESS_DENIED", message);
}

/// A multipart form of these fields.
fn parts(fields: &[(&str, &str)]) -> String {
    let parts: String = fields
        .iter()
        .map(|(name, value)| {
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        })
        .collect();
    format!("{parts}--edge--\r\n")
}
