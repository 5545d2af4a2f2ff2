//! Compare and rotate: a refresh with the token that the user presented.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::client::{Client, LOGINS, Login, Response};
use crate::support::fixture::{
    ACME_LOGIN, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, EXPIRING, EXPIRY, LOGIN, NO_LOGIN, NOW,
    POWERLESS, PROFILE, PROFILES, TOKEN, first_login,
};
use crate::support::server::{Server, Setup};

/// The default grace period of a replaced token.
pub const GRACE: Duration = Duration::from_secs(60);

const MILLISECOND: Duration = Duration::from_millis(1);

/// A UUID that no login has as a token.
pub const NO_TOKEN: &str = "11111111-2222-4333-8444-555555555555";

/// The end of the message for a reused token when its login was revoked.
pub const LOGIN_REVOKED: &str = "the persistent login was revoked";

/// No grace for a response that was lost.
pub const STRICT: &str = "--lost-answer-grace=0s";

/// A new login, and a token of it that counts as reused.
pub fn reused_token(server: &Server) -> (Login, String) {
    let client = server.client();
    let created = client.create(PROFILE).login();
    let next = client.refresh_with(&created.id, &created.token).login();
    server.app.clock.advance(4 * GRACE);
    let last = client.refresh_with(&created.id, &next.token).login();
    (last, created.token)
}

/// Asserts that the login does not exist any more.
#[track_caller]
pub fn assert_gone(client: &Client, id: &str) {
    client.read(id).assert_no_such_login(id);
    client.refresh(id).assert_no_such_login(id);
}

/// A copy of a directory of files, as a backup makes it.
fn copy_of(home: &TempDir) -> TempDir {
    let copy = TempDir::new().expect("a temporary directory");
    for entry in fs::read_dir(home.path()).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("it is copied");
    }
    copy
}

/// Asserts that `work` causes no commit.
#[track_caller]
fn assert_no_commit(server: &Server, work: impl FnOnce()) {
    let commits = server.app.store.commits();
    work();
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn the_current_token_is_rotated() {
    let server = Server::start();
    let client = server.client();
    let mut current = first_login();
    for _ in 0..5 {
        server.app.clock.advance(10 * GRACE);
        let next = client.refresh_with(LOGIN, &current.token).login();
        assert_ne!(next.token, current.token);
        assert_eq!(next, first_login().with_token(&next.token));
        assert_eq!(client.read(LOGIN).login(), next);
        current = next;
    }
}

#[test]
fn the_token_just_replaced_gets_its_successor_without_a_commit() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(GRACE);
    let next = client.refresh_with(LOGIN, TOKEN).login();
    assert_no_commit(&server, || {
        for _ in 0..3 {
            assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
        }
        assert_eq!(client.read(LOGIN).login(), next);
    });
    // The successor is valid, although it was returned several times.
    assert_ne!(client.refresh_with(LOGIN, &next.token).login(), next);
}

#[test]
fn the_grace_period_starts_at_the_rotation_and_includes_its_end() {
    let server = Setup::new().flag(STRICT).start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    for step in [GRACE / 2, GRACE / 2] {
        server.app.clock.advance(step);
        assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    }
    server.app.clock.advance(MILLISECOND);
    client
        .refresh_with(LOGIN, TOKEN)
        .assert_reuse(LOGIN_REVOKED);
    assert_gone(&client, LOGIN);
    // The current token is revoked with the reused one.
    client
        .refresh_with(LOGIN, &next.token)
        .assert_no_such_login(LOGIN);
}

#[test]
fn the_grace_period_is_configurable() {
    let server = Setup::new().flag(STRICT).flag("--reuse-grace=5s").start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(Duration::from_secs(5));
    assert_eq!(client.refresh_with(LOGIN, TOKEN).login(), next);
    server.app.clock.advance(MILLISECOND);
    client
        .refresh_with(LOGIN, TOKEN)
        .assert_reuse(LOGIN_REVOKED);
}

#[test]
fn without_a_grace_period_a_replaced_token_is_reused_at_once() {
    let server = Setup::new().flag("--reuse-grace=0s").flag(STRICT).start();
    let client = server.client();
    let next = client.refresh_with(LOGIN, TOKEN).login();
    client
        .refresh_with(LOGIN, TOKEN)
        .assert_reuse(LOGIN_REVOKED);
    client
        .refresh_with(LOGIN, &next.token)
        .assert_no_such_login(LOGIN);
    let other = client.create(PROFILE).login();
    let next = client.refresh_with(&other.id, &other.token).login();
    client.refresh_with(&other.id, &next.token).login();
    client
        .refresh_with(&other.id, &other.token)
        .assert_reuse(LOGIN_REVOKED);
}

#[test]
fn a_token_replaced_earlier_gets_the_current_one_for_a_while_and_then_counts_as_reused() {
    let server = Server::start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let id = created.id.as_str();
    let next = client.refresh_with(id, &created.token).login();
    let last = client.refresh_with(id, &next.token).login();
    server.app.clock.advance(GRACE);
    assert_eq!(client.refresh_with(id, &created.token).login(), last);
    server.app.clock.advance(2 * GRACE);
    client
        .refresh_with(id, &created.token)
        .assert_reuse(LOGIN_REVOKED);
    assert_gone(&client, id);
    for token in [&created.token, &next.token, &last.token] {
        client.refresh_with(id, token).assert_no_such_login(id);
    }
    client.delete(id).assert_empty();
}

#[test]
fn a_response_that_was_lost_is_given_again_a_day_long_and_what_it_had_becomes_void() {
    let server = Server::start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let id = created.id.as_str();
    let lost = client.refresh_with(id, &created.token).login();
    server.app.clock.advance(24 * 60 * GRACE);
    let again = client.refresh_with(id, &created.token).login();
    assert_ne!(again, lost);
    assert_eq!(client.refresh_with(id, &created.token).login(), again);
    // Nobody but a thief can have the token that was in the lost response.
    client
        .refresh_with(id, &lost.token)
        .assert_reuse(LOGIN_REVOKED);
    // Later than a day, and once the successor was presented, it counts as reused.
    let created = client.create(PROFILE).login();
    let id = created.id.as_str();
    client.refresh_with(id, &created.token).login();
    server.app.clock.advance(24 * 60 * GRACE + MILLISECOND);
    client
        .refresh_with(id, &created.token)
        .assert_reuse(LOGIN_REVOKED);
    let (login, reused) = reused_token(&server);
    client
        .refresh_with(&login.id, &reused)
        .assert_reuse(LOGIN_REVOKED);
}

#[test]
fn an_extended_response_says_how_the_login_got_its_token() {
    let server = Setup::new().flag("--coalesce-refreshes=5s").start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let refresh = |parameters: &str| {
        let target = format!(
            "{LOGINS}/{}/refresh_token?accessTokenId={ADMIN}",
            created.id
        );
        client.post(&target, parameters)
    };
    let outcome = |token: &str| {
        let response = refresh(&format!("extended=true{token}"));
        assert_eq!(response.status, 200, "{response:?}");
        let body: Value = serde_json::from_str(&response.body).expect("JSON");
        let at_the_end = format!(r#","outcome":{}}}"#, body["outcome"]);
        assert!(response.body.ends_with(&at_the_end), "{response:?}");
        body["outcome"].as_str().expect("a text").to_owned()
    };
    let first = format!("&token={}", created.token);
    assert_eq!(outcome(&first), "rotated");
    assert_eq!(outcome(&first), "just_replaced");
    assert_eq!(outcome(""), "coalesced");
    server.app.clock.advance(2 * GRACE);
    assert_eq!(outcome(&first), "late_retry");
    assert_eq!(refresh("extended=perhaps").status, 400);
    // The contract has no such field.
    for plain in ["extended=false", "extended=", ""] {
        assert!(!refresh(plain).body.contains("outcome"));
    }
}

#[test]
fn after_a_restore_newer_tokens_are_accepted_and_older_ones_are_found_out() {
    let server = Server::start();
    let created = server.client().create(PROFILE).login();
    let home = server.stop();
    let backup = copy_of(&home);
    let server = Setup::new().home(home).start();
    let client = server.client();
    let mut tokens = vec![created.token.clone()];
    for _ in 0..5 {
        let next = client.refresh_with(&created.id, tokens.last().expect("there is one"));
        tokens.push(next.login().token);
        server.app.clock.advance(4 * GRACE);
    }
    let server = Setup::new().home(backup).start();
    let client = server.client();
    let newest = tokens.last().expect("there is one");
    let next = client.refresh_with(&created.id, newest).login();
    assert!(!tokens.contains(&next.token));
    assert_eq!(client.refresh_with(&created.id, newest).login(), next);
    client
        .refresh_with(&created.id, &tokens[2])
        .assert_reuse(LOGIN_REVOKED);
    assert_gone(&client, &created.id);
}

#[test]
fn a_token_that_was_never_the_logins_is_refused_and_revokes_nothing() {
    let server = Setup::new().flag("--reuse-revokes=profile").start();
    let client = server.client();
    let one = client.create(PROFILE).login();
    let two = client.create(PROFILE).login();
    assert_no_commit(&server, || {
        for token in [&one.token, NO_TOKEN] {
            client.refresh_with(LOGIN, token).assert_unknown_token();
        }
        client.refresh_with(&one.id, TOKEN).assert_unknown_token();
        client
            .refresh_with(&one.id, &two.token)
            .assert_unknown_token();
    });
    assert_eq!(client.read(LOGIN).login(), first_login());
    for login in [&one, &two] {
        assert_eq!(client.read(&login.id).login(), *login);
    }
}

#[test]
fn a_reuse_may_revoke_every_login_of_the_profile() {
    let server = Setup::new().flag("--reuse-revokes=profile").start();
    let client = server.client();
    let mut others = [
        client.create(PROFILE).login(),
        client.create(PROFILE).login(),
    ];
    others[0] = client.refresh_with(&others[0].id, &others[0].token).login();
    let other_profile_login = client.read(ACME_LOGIN).login();
    let (login, reused) = reused_token(&server);
    client
        .refresh_with(&login.id, &reused)
        .assert_reuse("all persistent logins of the profile were revoked");
    assert_gone(&client, &login.id);
    assert_gone(&client, LOGIN);
    for other in &others {
        assert_gone(&client, &other.id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    assert_eq!(client.read(ACME_LOGIN).login(), other_profile_login);
    // New logins of the profile work.
    let fresh = client.create(PROFILE).login();
    client.refresh_with(&fresh.id, &fresh.token).login();
}

#[test]
fn a_reuse_may_revoke_nothing() {
    let server = Setup::new().flag("--reuse-revokes=none").start();
    let client = server.client();
    let (login, reused) = reused_token(&server);
    assert_no_commit(&server, || {
        client
            .refresh_with(&login.id, &reused)
            .assert_reuse("nothing was revoked");
        assert_eq!(client.read(&login.id).login(), login);
    });
    client.refresh_with(&login.id, &login.token).login();
}

#[test]
fn a_refresh_without_a_token_counts_as_a_rotation() {
    let server = Server::start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let next = client.refresh(&created.id).login();
    let retried = client.refresh_with(&created.id, &created.token).login();
    assert_eq!(retried, next);
    client.refresh(&created.id).login();
    server.app.clock.advance(4 * GRACE);
    client
        .refresh_with(&created.id, &created.token)
        .assert_reuse(LOGIN_REVOKED);
    assert_gone(&client, &created.id);
}

#[test]
fn a_token_that_is_no_uuid_is_refused_without_effect() {
    let server = Server::start();
    let client = server.client();
    let braced = format!("{{{TOKEN}}}");
    let urn = format!("urn:uuid:{TOKEN}");
    let (simple, padded) = (TOKEN.replace('-', ""), format!(" {TOKEN} "));
    let long = TOKEN.repeat(100);
    let not_hex = TOKEN.replace('f', "g");
    let misplaced = "f390e222c-844-44a2-ad38-afa471527101";
    assert_no_commit(&server, || {
        for token in [
            "", "x", &braced, &urn, &simple, &padded, &long, &not_hex, misplaced, "null",
        ] {
            client
                .refresh_with(LOGIN, token)
                .assert_bad_parameter("token");
        }
    });
    assert_eq!(client.read(LOGIN).login(), first_login());
    client.refresh_with(LOGIN, TOKEN).login();
}

#[test]
fn the_access_token_is_checked_before_the_token() {
    let server = Server::start();
    let client = server.client();
    let unknown = client.with_token("nobody");
    for token in ["", "x", TOKEN, NO_TOKEN] {
        unknown.refresh_with(LOGIN, token).assert_error(
            403,
            "ACCESS_DENIED",
            "No access token found for ID \"nobody\"",
        );
    }
    client.with_token("").refresh_with(LOGIN, "x").assert_error(
        403,
        "ACCESS_DENIED",
        "Access token ID param missing from request",
    );
    server.app.clock.advance(Duration::from_millis(
        EXPIRY.as_millis().abs_diff(NOW.as_millis()),
    ));
    let expired = client.with_token(EXPIRING).refresh_with(LOGIN, NO_TOKEN);
    assert!(expired.body.contains("expired on"), "{expired:?}");
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn without_permission_a_reuse_revokes_nothing() {
    let server = Server::start();
    let client = server.client();
    for caller in [POWERLESS, PROFILES] {
        for token in [TOKEN, NO_TOKEN] {
            let response = client.with_token(caller).refresh_with(LOGIN, token);
            response.assert_denied("MANAGE_TICKETS", "default");
        }
    }
    assert_eq!(client.read(LOGIN).login(), first_login());
}

#[test]
fn a_token_may_be_presented_in_upper_case() {
    let server = Server::start();
    let client = server.client();
    let upper = TOKEN.to_uppercase();
    let next = client.refresh_with(LOGIN, &upper).login();
    assert_eq!(next.token, next.token.to_lowercase());
    assert_eq!(client.refresh_with(LOGIN, &upper).login(), next);
}

#[test]
fn a_missing_login_is_not_found_with_any_token() {
    let server = Server::start();
    let client = server.client();
    let (deleted, expired) = (client.create(PROFILE).login(), first_login());
    client.delete(&deleted.id).assert_empty();
    server.app.clock.advance(Duration::from_secs(1_296_000));
    for (id, token) in [
        (NO_LOGIN, NO_TOKEN),
        ("not-a-uuid", NO_TOKEN),
        (&deleted.id, &deleted.token),
        (&expired.id, &expired.token),
        (&expired.id, NO_TOKEN),
    ] {
        client.refresh_with(id, token).assert_no_such_login(id);
    }
}

#[test]
fn a_disabled_profile_is_checked_before_a_reuse() {
    let server = Server::start();
    let client = server.client();
    let before = client.read(DISABLED_LOGIN).login();
    for token in [before.token.as_str(), NO_TOKEN] {
        let response = client.refresh_with(DISABLED_LOGIN, token);
        response.assert_disabled_profile(DISABLED_PROFILE, "default");
    }
    server.update_profile(DISABLED_PROFILE, |profile| profile.enabled = true);
    assert_eq!(client.read(DISABLED_LOGIN).login(), before);
    client.refresh_with(DISABLED_LOGIN, &before.token).login();
}

#[test]
fn a_token_may_be_in_the_query_and_only_once() {
    let server = Server::start();
    let client = server.client();
    let refresh = |query: &str, form: &str| -> Response {
        let target = format!("{LOGINS}/{LOGIN}/refresh_token?accessTokenId={ADMIN}{query}");
        client.post(&target, form)
    };
    let next = refresh(&format!("&token={TOKEN}"), "").login();
    let current = format!("token={}", next.token);
    for other in ["", TOKEN, NO_TOKEN, &next.token] {
        refresh(&format!("&token={other}"), &current).assert_bad_parameter("token");
    }
    assert_eq!(client.read(LOGIN).login(), next);
}

#[test]
fn the_replaced_token_survives_a_restart() {
    let start = || Setup::new().flag(STRICT);
    let server = start().start();
    let next = server.client().refresh_with(LOGIN, TOKEN).login();
    let later = NOW.plus(GRACE);
    let server = start().home(server.stop()).at(later).start();
    assert_eq!(server.client().refresh_with(LOGIN, TOKEN).login(), next);
    server.app.clock.advance(MILLISECOND);
    server
        .client()
        .refresh_with(LOGIN, TOKEN)
        .assert_reuse(LOGIN_REVOKED);
    let server = start().home(server.stop()).at(later).start();
    assert_gone(&server.client(), LOGIN);
}
