//! Parameters that an endpoint does not know.

use crate::support::client::{LOGINS, Response};
use crate::support::fixture::{ADMIN, LOGIN, PROFILE, TOKEN};
use crate::support::raw_request::assert_unharmed;
use crate::support::server::Server;

#[track_caller]
fn assert_unknown(response: &Response, name: &str, meant: &str) {
    let message = format!("Parameter '{name}' is unknown; did you mean '{meant}'?");
    response.assert_error(400, "OTHER", &message);
}

#[test]
fn what_is_nearly_a_parameter_is_refused() {
    let server = Server::start();
    let client = server.client();
    let refresh = format!("{LOGIN}/refresh_token");
    for name in [
        "Token",
        "TOKEN",
        "token[]",
        "_token",
        "tokne",
        "tokens",
        "login[token]",
    ] {
        assert_unknown(&client.post_with(&refresh, &[(name, TOKEN)]), name, "token");
    }
    for (path, name, meant) in [
        (&*refresh, "user_agent", "userAgent"),
        (&refresh, "profileID", "profileId"),
        (&format!("{LOGIN}/delete"), "profile_id", "profileId"),
        (&format!("{LOGIN}/delete"), "userName", "username"),
        ("create", "lable", "label"),
        ("create", "createprofile", "createProfile"),
    ] {
        let profile = ("profileId", PROFILE);
        let response = client.post_with(path, &[profile, (name, "x")]);
        assert_unknown(&response, name, meant);
    }
    let read = client.get_with(LOGIN, &[("Extended", "true")]);
    assert_unknown(&read, "Extended", "extended");
    assert_unharmed(&server);
}

#[test]
fn a_repeated_token_is_refused() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}/refresh_token");
    let form = format!("accessTokenId={ADMIN}&token={TOKEN}");
    for (query, form) in [
        ("", format!("{form}&token={TOKEN}")),
        (&*format!("?token={TOKEN}"), form),
    ] {
        let response = client.post(&format!("{target}{query}"), &form);
        let message = "Parameter 'token' is given more than once";
        response.assert_error(400, "OTHER", message);
    }
    assert_unharmed(&server);
}

/// A name that is given twice could be taken for another person by each side.
#[test]
fn a_repeated_name_of_a_person_is_refused() {
    let server = Server::start();
    let client = server.client();
    for name in ["tenantName", "username"] {
        for endpoint in ["create", "by_profile", "delete_by_profile"] {
            let form = format!("accessTokenId={ADMIN}&{name}=x&{name}=y");
            let response = client.post(&format!("{LOGINS}/{endpoint}"), &form);
            let message = format!("Parameter '{name}' is given more than once");
            response.assert_error(400, "OTHER", &message);
        }
    }
    assert_unharmed(&server);
}

/// JSON that is sent as a form, as curl does by default, may have secrets.
#[test]
fn what_is_no_name_is_not_quoted() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN}");
    let response = client.post(&target, &format!("{{\"token\":\"{TOKEN}\"}}"));
    assert_eq!(response.status, 400);
    assert!(response.body.contains("application/json"), "{response:?}");
    assert!(!response.body.contains(TOKEN), "{response:?}");
    assert_unharmed(&server);
}

/// Clients of the wire contract may send what only its other endpoints know.
#[test]
fn other_parameters_are_ignored_on_the_endpoints_of_the_contract() {
    let server = Server::start();
    let client = server.client();
    let others = [
        ("tokenId", "x"),
        ("attributeToReturn", "$none"),
        ("selector", "id"),
        ("_", "1495665332589"),
        ("csrf_token", "x"),
        ("label", "x"),
        ("", "x"),
    ];
    client.get_with(LOGIN, &others).login();
    client
        .post_with(&format!("{LOGIN}/refresh_token"), &others)
        .login();
    client
        .post_with(&format!("{LOGIN}/delete"), &others)
        .assert_empty();
}

#[test]
fn an_unknown_parameter_is_refused_on_other_endpoints() {
    let server = Server::start();
    let client = server.client();
    let profile = ("profileId", PROFILE);
    for (path, name, nearest) in [
        ("delete_by_profile", "excluding", "except"),
        ("delete_by_profile", "profiles", "profileId"),
        ("by_profile", "max_count", "count"),
    ] {
        let response = if path == "by_profile" {
            client.get_with(path, &[profile, (name, LOGIN)])
        } else {
            client.post_with(path, &[profile, (name, LOGIN)])
        };
        let message =
            format!("Parameter '{name}' is unknown here; the nearest known one is '{nearest}'");
        response.assert_error(400, "OTHER", &message);
    }
    let response = client.post_with("delete_by_profile", &[profile, ("exept", LOGIN)]);
    assert_unknown(&response, "exept", "except");
    assert_unharmed(&server);
}

#[test]
fn an_unknown_caller_is_refused_before_a_parameter() {
    let server = Server::start();
    let client = server.client().with_token("nobody");
    for path in [
        &*format!("{LOGIN}/refresh_token"),
        "create",
        "delete_by_profile",
    ] {
        let response = client.post_with(path, &[("Token", TOKEN)]);
        let message = "No access token found for ID \"nobody\"";
        response.assert_error(403, "ACCESS_DENIED", message);
    }
}
