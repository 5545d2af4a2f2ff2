//! Bodies of different types. What is in one is read or refused, never ignored: a `token` that is ignored is not
//! compared, and the login is rotated whatever it was.

use serde_json::{Value, json};

use crate::support::client::{Client, LOGINS, Response};
use crate::support::fixture::{ADMIN, LOGIN, PROFILE, TOKEN};
use crate::support::raw_request::assert_unharmed;
use crate::support::server::Server;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A token that the login never had.
const STRANGE: &str = "00000000-0000-4000-8000-00000000000f";

fn refresh(client: &Client, headers: &[(&str, &str)], body: &str) -> Response {
    let target = format!("{LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN}");
    client.send("POST", &target, headers, Some(body.as_bytes()))
}

fn refresh_json(client: &Client, body: &Value) -> Response {
    refresh(client, &[JSON], &body.to_string())
}

#[test]
fn parameters_may_be_a_json_object() {
    let server = Server::start();
    let client = server.client();
    let login = refresh_json(
        &client,
        &json!({"token": TOKEN, "extended": false, "x": [1, "y", null]}),
    );
    assert_ne!(login.login().token, TOKEN);
    refresh_json(&client, &json!({"token": STRANGE})).assert_unknown_token();
    let target = format!("{LOGINS}/create");
    let body = json!({
        "accessTokenId": ADMIN, "tenantName": "default", "username": 4711, "createProfile": true, "label": "a \"b\"",
    });
    let content_type = ("Content-Type", "Application/JSON; charset=utf-8");
    let body = body.to_string();
    let created = client.send("POST", &target, &[content_type], Some(body.as_bytes()));
    let by_name = [("tenantName", "default"), ("username", "4711")];
    let list = client.get_with("by_profile", &by_name).list();
    assert_eq!(list[0].id, created.login().id);
    assert_eq!(list[0].label.as_deref(), Some("a \"b\""));
}

/// A number of more digits than a number of the program has would be another user's name.
#[test]
fn a_number_is_the_text_that_was_sent() {
    let server = Server::start();
    let target = format!("{LOGINS}/create?accessTokenId={ADMIN}");
    for number in ["123456789012345678901234567890", "1.50", "-0"] {
        let body = format!("{{\"profileId\":{number}}}");
        let response = server
            .client()
            .send("POST", &target, &[JSON], Some(body.as_bytes()));
        response.assert_no_such_profile(number);
    }
}

#[test]
fn json_that_has_no_parameters_is_refused() {
    let server = Server::start();
    let client = server.client();
    for (body, name) in [
        (json!({"token": {"id": TOKEN}}), "token"),
        (json!({"token": [[TOKEN]]}), "token"),
        (json!({"token": []}), "token"),
        (json!({"token": null}), "token"),
        (json!({"token": ""}), "token"),
        (json!({"token": false}), "token"),
        (json!({"token": [TOKEN, TOKEN]}), "token"),
        (json!({"nested": {"token": TOKEN}}), "nested"),
    ] {
        refresh_json(&client, &body).assert_bad_parameter(name);
    }
    let twice = format!("{{\"token\":\"{STRANGE}\",\"token\":\"{TOKEN}\"}}");
    refresh(&client, &[JSON], &twice).assert_bad_parameter("token");
    for body in [
        "{",
        "[]",
        "null",
        "token",
        "{} {}",
        "{'token':1}",
        "{\"token\":\"\\ud800\"}",
        "\u{feff}{}",
        " ",
    ] {
        refresh(&client, &[JSON], body).assert_other_error(400);
    }
    assert_unharmed(&server);
}

#[test]
fn a_body_of_another_type_is_refused() {
    let server = Server::start();
    let client = server.client();
    let body = format!("token={STRANGE}");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded-not",
        "application/xml;charset=UTF-8",
        "nonsense",
    ] {
        let response = refresh(&client, &[("content-type", content_type)], &body);
        let message = format!("Content type '{content_type}' not supported");
        response.assert_error(415, "OTHER", &message);
    }
    refresh(&client, &[], &body).assert_error(415, "OTHER", "Content type '' not supported");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let compressed = refresh(&client, &[form, ("content-encoding", "gzip")], &body);
    compressed.assert_error(415, "OTHER", "Content encoding 'gzip' not supported");
    let long = "x/".repeat(2_000);
    let response = refresh(&client, &[("content-type", &long)], &body);
    assert!(
        response.status == 415 && response.body.len() < 500,
        "{response:?}"
    );
    assert_unharmed(&server);
    let identity = refresh(&client, &[form, ("content-encoding", "Identity")], &body);
    identity.assert_unknown_token();
}

#[test]
fn an_empty_body_may_be_of_any_type() {
    let server = Server::start();
    let client = server.client();
    for headers in [
        &[] as &[_],
        &[("content-type", "text/plain")],
        &[("content-type", "multipart/form-data")],
        &[JSON, ("content-encoding", "gzip")],
    ] {
        refresh(&client, headers, "").login();
    }
    let mut wire = server.wire();
    wire.send(format!(
        "POST {LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ));
    assert_eq!(wire.response().status, 200);
}

#[test]
fn a_multipart_file_or_a_part_without_a_name_is_refused() {
    let server = Server::start();
    let client = server.client();
    let multipart = [("content-type", "multipart/form-data; boundary=edge")];
    for (disposition, status) in [
        ("form-data; name=\"token\"; filename=\"token.txt\"", 415),
        ("form-data; filename=\"token.txt\"", 400),
        ("form-data", 400),
        ("form-data; name=\"token\"", 401),
    ] {
        let body = format!(
            "--edge\r\nContent-Disposition: {disposition}\r\n\r\n{STRANGE}\r\n--edge--\r\n"
        );
        let response = refresh(&client, &multipart, &body);
        assert_eq!(response.status, status, "{disposition}: {response:?}");
    }
    assert_unharmed(&server);
}

/// The body is not what its type says: none of it may be taken for parameters that are not known.
#[test]
fn a_body_of_another_type_than_it_says_is_refused() {
    let server = Server::start();
    let client = server.client();
    let form = [(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-16",
    )];
    let wide: String = "token=x".chars().flat_map(|char| ['\0', char]).collect();
    for body in [
        &*wide,
        &json!({"token": STRANGE}).to_string(),
        &json!(["token", STRANGE]).to_string(),
        &format!("token: {STRANGE}"),
        &format!("<token>{STRANGE}</token>"),
        &format!(
            "--edge\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{STRANGE}\r\n--edge--"
        ),
    ] {
        refresh(&client, &form, body).assert_other_error(400);
    }
    assert_unharmed(&server);
}

#[test]
fn a_client_may_send_json_by_default() {
    let server = Server::start();
    let body = json!({"accessTokenId": ADMIN, "profileId": PROFILE}).to_string();
    let target = format!("{LOGINS}/delete_by_profile");
    let response = server
        .client()
        .send("POST", &target, &[JSON], Some(body.as_bytes()));
    response.assert_deleted(1);
}
