//! Clients that guess are answered 429 after too many failures, and hold up nobody else.

use serde_json::json;

use crate::support::client::{Client, FORM, Response, encode};
use crate::support::fixture::{self, ADMIN, LOGIN, NO_LOGIN, TOKEN};
use crate::support::server::{Server, Setup};

const LOGINS: &str = "/crafter-profile/api/1/authentication/persistent_login";
const AUTHENTICATE: &str = "/crafter-profile/api/1/authentication/authenticate";

/// Two users of an application, and a third one with another half of the same IPv6 network as the second.
const ANN: &str = "192.0.2.1";
const BOB: &str = "2001:db8::1";
const BOBS_NEIGHBOR: &str = "2001:db8::ffff:1";

/// The hash of `password` in the contract's format, which other software computed.
const CONTRACT: &str = "kjQbm75rGEhNQUDiOLNjY99ojqgc316VrnedkxCnWSc=|AwMDAwMDAwMDAwMDAwMDAw==";

/// A server on which a client may fail three times.
fn setup() -> Setup {
    let mut seed = fixture::seed();
    seed["profile"][0]["password"] = json!(CONTRACT);
    Setup::new()
        .seed(seed)
        .flag("--client-failures-max=3")
        .flag("--client-failures-time=1h")
        .flag("--metrics")
        .flag("--password-hash-memory=64KiB")
        .flag("--sign-in-delay=0s")
}

/// As [`setup`], where applications on this host name their users.
fn with_users() -> Server {
    setup()
        .flag("--client-address-header=X-Forwarded-For")
        .flag("--trusted-proxy=127.0.0.1")
        .start()
}

/// Sends a form for a user at this address.
fn post(client: &Client, user: &str, path: &str, form: &[(&str, &str)]) -> Response {
    let form = encode(form);
    let headers = [FORM, ("x-forwarded-for", user)];
    client.send("POST", path, &headers, Some(form.as_bytes()))
}

fn refresh(client: &Client, user: &str, id: &str, token: &str) -> Response {
    let path = format!("{LOGINS}/{id}/refresh_token");
    post(
        client,
        user,
        &path,
        &[("accessTokenId", ADMIN), ("token", token)],
    )
}

fn sign_in(client: &Client, user: &str, password: &str) -> Response {
    let form = [
        ("accessTokenId", ADMIN),
        ("tenantName", "default"),
        ("username", "jdoe"),
        ("password", password),
    ];
    post(client, user, AUTHENTICATE, &form)
}

#[track_caller]
fn assert_too_many(response: &Response) {
    assert_eq!(response.status, 429, "{}", response.body);
    let seconds: u64 = response.header("retry-after").parse().expect("a number");
    assert!((1_100..=1_200).contains(&seconds), "{seconds}");
    let message =
        format!("Too many requests of this client have failed; try again in {seconds} seconds");
    response.assert_error(429, "OTHER", &message);
}

#[test]
fn invalid_access_tokens_are_429_after_some_and_a_valid_one_is_served() {
    let server = setup().start();
    let client = server.client();
    let unknown = client.with_token("unknown");
    for _ in 0..3 {
        assert_eq!(unknown.read(LOGIN).status, 403);
    }
    assert_too_many(&unknown.read(LOGIN));
    assert_too_many(&client.with_token("another").refresh(LOGIN));
    assert_too_many(&client.with_token("").read(LOGIN));
    client.refresh(LOGIN).login();
    client.read(LOGIN).login();
    // The others' mistakes are not theirs.
    client.read(NO_LOGIN).assert_no_such_login(NO_LOGIN);
    let metrics = client.get("/metrics").body;
    let throttled = "rememberd_http_throttled_total{kind=\"access_token\"} 3\n";
    assert!(metrics.contains(throttled), "{metrics}");
}

#[test]
fn a_header_that_is_not_trusted_names_nobody() {
    let server = setup().start();
    let client = server.client();
    for number in 0..3 {
        let user = format!("192.0.2.{number}");
        let form = [("accessTokenId", "unknown")];
        let path = format!("{LOGINS}/{LOGIN}/refresh_token");
        assert_eq!(post(&client, &user, &path, &form).status, 403);
    }
    assert_too_many(&client.with_token("unknown").read(LOGIN));
}

#[test]
fn without_named_users_an_application_is_not_held_up_by_them() {
    let server = setup().start();
    let client = server.client();
    for _ in 0..6 {
        refresh(&client, ANN, LOGIN, NO_LOGIN).assert_unknown_token();
        refresh(&client, ANN, NO_LOGIN, TOKEN).assert_no_such_login(NO_LOGIN);
        assert_eq!(sign_in(&client, ANN, "wrong").status, 401);
    }
}

#[test]
fn unknown_tokens_and_logins_of_a_user_are_429_after_some_and_valid_ones_are_served() {
    let server = with_users();
    let client = server.client();
    refresh(&client, BOB, LOGIN, NO_LOGIN).assert_unknown_token();
    refresh(&client, BOBS_NEIGHBOR, NO_LOGIN, TOKEN).assert_no_such_login(NO_LOGIN);
    refresh(&client, BOB, LOGIN, NO_LOGIN).assert_unknown_token();
    assert_too_many(&refresh(&client, BOB, LOGIN, NO_LOGIN));
    assert_too_many(&refresh(&client, BOBS_NEIGHBOR, NO_LOGIN, TOKEN));
    let ticket =
        format!("/crafter-profile/api/1/authentication/ticket/{NO_LOGIN}?accessTokenId={ADMIN}");
    let headers = [("x-forwarded-for", BOB)];
    assert_too_many(&client.send("GET", &ticket, &headers, None));
    refresh(&client, ANN, LOGIN, NO_LOGIN).assert_unknown_token();
    refresh(&client, BOB, LOGIN, TOKEN).login();
    // Without a user, nobody is limited.
    client.read(NO_LOGIN).assert_no_such_login(NO_LOGIN);
}

#[test]
fn a_token_that_was_used_before_is_never_429() {
    let server = with_users();
    let client = server.client();
    for _ in 0..4 {
        refresh(&client, ANN, LOGIN, NO_LOGIN);
    }
    let first = refresh(&client, ANN, LOGIN, TOKEN).login();
    let second = refresh(&client, ANN, LOGIN, &first.token).login();
    refresh(&client, ANN, LOGIN, &second.token).login();
    server
        .app
        .clock
        .advance(std::time::Duration::from_secs(7 * 86_400));
    refresh(&client, ANN, LOGIN, &first.token).assert_reuse("the persistent login was revoked");
}

#[test]
fn sign_ins_of_a_user_are_429_after_some_failures_whoever_signs_in() {
    let server = with_users();
    let client = server.client();
    for _ in 0..10 {
        sign_in(&client, ANN, "password").ticket();
    }
    for _ in 0..3 {
        assert_eq!(sign_in(&client, ANN, "wrong").status, 401);
    }
    let hashes = server.app.passwords.hashes();
    assert_too_many(&sign_in(&client, ANN, "wrong"));
    assert_too_many(&sign_in(&client, ANN, "password"));
    assert_eq!(server.app.passwords.hashes(), hashes, "nothing is tried");
    sign_in(&client, BOB, "password").ticket();
    client.sign_in("jdoe", "password").ticket();
    // A caller without a valid access token is refused as such, and what else is missing comes after it.
    let form = [("accessTokenId", "unknown")];
    assert_eq!(post(&client, ANN, AUTHENTICATE, &form).status, 403);
    let form = [("accessTokenId", ADMIN)];
    assert_eq!(post(&client, ANN, AUTHENTICATE, &form).status, 400);
}

#[test]
fn the_last_address_that_is_not_of_a_proxy_counts() {
    let server = with_users();
    let client = server.client();
    for forged in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        let forwarded = format!("{forged}, {ANN}, 127.0.0.1");
        assert_eq!(sign_in(&client, &forwarded, "wrong").status, 401);
    }
    assert_too_many(&sign_in(&client, ANN, "password"));
}

#[test]
fn a_time_of_zero_disables_the_limit() {
    let server = Setup::new()
        .flag("--client-failures-max=1")
        .flag("--client-failures-time=0s")
        .start();
    for _ in 0..10 {
        let response = server.client().with_token("unknown").read(LOGIN);
        assert_eq!(response.status, 403);
    }
}
