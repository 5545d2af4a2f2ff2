//! Where the access token of the caller may be.

use crate::support::client::{FORM, LOGINS};
use crate::support::fixture::{ADMIN, LOGIN, POWERLESS, PROFILE, TOKEN, first_login};
use crate::support::raw_request::assert_unharmed;
use crate::support::server::{Server, Setup};

#[test]
fn an_access_token_may_be_in_the_authorization_header() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}");
    for scheme in ["Bearer ", "bearer ", "BEARER   "] {
        let value = format!("{scheme}{ADMIN}");
        let read = client.send("GET", &target, &[("authorization", &value)], None);
        assert_eq!(read.login(), first_login(), "{value}");
    }
    let unknown = client.send("GET", &target, &[("authorization", "Bearer nobody")], None);
    let message = "No access token found for ID \"nobody\"";
    unknown.assert_error(403, "ACCESS_DENIED", message);
    for value in ["Bearer", "Bearer ", "Basic e5f4", "Bearerx", ADMIN, ""] {
        let missing = client.send("GET", &target, &[("authorization", value)], None);
        let message = "Access token ID param missing from request";
        missing.assert_error(403, "ACCESS_DENIED", message);
    }
}

#[test]
fn two_different_access_tokens_are_refused() {
    let server = Server::start();
    let client = server.client();
    let target = format!("{LOGINS}/{LOGIN}?accessTokenId=");
    let bearer = format!("Bearer {ADMIN}");
    let header = ("authorization", &*bearer);
    for same in [ADMIN, ""] {
        let read = client.send("GET", &format!("{target}{same}"), &[header], None);
        assert_eq!(read.login(), first_login());
    }
    let basic = ("authorization", "Basic eDp5");
    let read = client.send("GET", &format!("{target}{ADMIN}"), &[basic], None);
    assert_eq!(read.login(), first_login());
    let differs = client.send("GET", &format!("{target}{POWERLESS}"), &[header], None);
    differs.assert_bad_parameter("accessTokenId");
    let other = ("authorization", &*format!("Bearer {POWERLESS}"));
    let differs = client.send("GET", &target, &[header, other], None);
    differs.assert_other_error(400);
}

#[test]
fn secrets_in_urls_can_be_refused() {
    let server = Setup::new().flag("--refuse-url-secrets").start();
    let client = server.client();
    let bearer = format!("Bearer {ADMIN}");
    let header = ("authorization", &*bearer);
    let login = format!("{LOGINS}/{LOGIN}");
    for response in [
        client.get(&format!("{login}?accessTokenId={ADMIN}")),
        client.send(
            "GET",
            &format!("{login}?accessTokenId={ADMIN}"),
            &[header],
            None,
        ),
        client.get(&format!(
            "{LOGINS}/by_profile?profileId={PROFILE}&access%54okenId={ADMIN}"
        )),
    ] {
        let message = "Parameter 'accessTokenId' must not be in the URL: send the header field 'Authorization: Bearer \
                       ID', or the parameter in the body of a POST";
        response.assert_error(400, "OTHER", message);
    }
    let target = format!("{login}/refresh_token?token={TOKEN}");
    let response = client.post(&target, &format!("accessTokenId={ADMIN}"));
    let message = "Parameter 'token' must not be in the URL: send it in the body";
    response.assert_error(400, "OTHER", message);
    assert_eq!(
        client.send("GET", &login, &[header], None).login(),
        first_login()
    );
    client.refresh_with(LOGIN, TOKEN).login();
    let list = format!("{LOGINS}/by_profile");
    let form = format!("accessTokenId={ADMIN}&profileId={PROFILE}");
    assert_eq!(client.post(&list, &form).listed_ids(), [LOGIN]);
}

#[test]
fn a_refresh_without_a_token_can_be_refused() {
    let server = Setup::new().flag("--require-token").start();
    let client = server.client();
    let message =
        "Required request parameter 'token' for method parameter type String is not present";
    client.refresh(LOGIN).assert_error(400, "OTHER", message);
    let unknown = client.with_token("nobody").refresh(LOGIN);
    assert_eq!(unknown.status, 403);
    assert_unharmed(&server);
    client.refresh_with(LOGIN, TOKEN).login();
    let header = [FORM, ("authorization", &*format!("Bearer {ADMIN}"))];
    let target = format!("{LOGINS}/{LOGIN}/delete");
    client
        .send("POST", &target, &header, Some(b""))
        .assert_empty();
}
