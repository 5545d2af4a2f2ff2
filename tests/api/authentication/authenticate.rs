//! Signing in: who may, with what, and what it changes.

use std::time::Duration;

use rememberd::testing::{Event, PasswordHash, SignInFailure};

use crate::authentication::{
    AUTHENTICATE, CONTRACT, COSTLIER, PASSWORD, setup, stored, without_delay,
};
use crate::support::client::FORM;
use crate::support::fixture::{
    ACME, BOTH, DISABLED_PROFILE, EXPIRING, NARROW_FIRST, NOTHING_FIRST, NOW, POWERLESS, PROFILE,
    PROFILES, READERS, SIGN_IN, TICKETS,
};

#[test]
fn the_right_password_gives_a_ticket() {
    let server = setup().start();
    let client = server.client().with_token(SIGN_IN);
    let tickets = [(); 2].map(|()| client.sign_in("jdoe", PASSWORD).ticket());
    for ticket in &tickets {
        assert_eq!(ticket.tenant, "default");
        assert_eq!(ticket.profile_id, PROFILE);
        assert_eq!(ticket.last_request_time, NOW.as_millis());
        assert_eq!(client.read_ticket(&ticket.id).ticket().id, ticket.id);
    }
    assert_ne!(tickets[0].id, tickets[1].id);
    assert_eq!(server.app.audit.count(Event::SignIn), 2);
}

#[test]
fn the_parameters_are_in_the_query_or_the_form() {
    let server = setup().start();
    let client = server.client();
    let query = client.encode(&[
        ("tenantName", "default"),
        ("username", "jdoe"),
        ("password", PASSWORD),
    ]);
    for path in ["", ".json", "/"] {
        let target = format!("{AUTHENTICATE}{path}?{query}");
        client.send("POST", &target, &[], None).ticket();
        client.send("POST", &target, &[FORM], Some(b"")).ticket();
        let target = format!("{AUTHENTICATE}{path}");
        client.post(&target, &query).ticket();
        // Parameters that are not known are ignored.
        client
            .post(&target, &format!("{query}&attributeToReturn=x"))
            .ticket();
    }
    client.get(&format!("{AUTHENTICATE}?{query}")).assert_error(
        405,
        "OTHER",
        "Request method 'GET' not supported",
    );
}

#[test]
fn a_parameter_that_is_missing_is_named() {
    let server = setup().start();
    let client = server.client();
    let all = [
        ("tenantName", "default"),
        ("username", "jdoe"),
        ("password", PASSWORD),
    ];
    for missing in all.map(|(name, _)| name) {
        let rest: Vec<_> = all
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        let message = format!(
            "Required request parameter '{missing}' for method parameter type String is not present"
        );
        let response = client.post(AUTHENTICATE, &client.encode(&rest));
        response.assert_error(400, "OTHER", &message);
        let unknown = client.with_token("nobody");
        let response = unknown.post(AUTHENTICATE, &unknown.encode(&rest));
        let message = "No access token found for ID \"nobody\"";
        response.assert_error(403, "ACCESS_DENIED", message);
    }
}

#[test]
fn a_password_has_at_most_1024_bytes() {
    let server = setup().start();
    let client = server.client();
    let longest = "é".repeat(512);
    client.sign_in("jdoe", &longest).assert_bad_credentials();
    let response = client.sign_in("jdoe", &(longest + "x"));
    response.assert_error(
        400,
        "OTHER",
        "Parameter 'password' is longer than 1024 bytes",
    );
}

#[test]
fn a_password_is_compared_byte_by_byte() {
    let server = without_delay().start();
    let client = server.client();
    for other in [
        "",
        "Password",
        "password ",
        " password",
        "passwor",
        "ｐassword",
        "password,",
    ] {
        client.sign_in("jdoe", other).assert_bad_credentials();
        client.sign_in("jdoe", PASSWORD).ticket();
    }
}

#[test]
fn bad_credentials_all_look_the_same() {
    let server = without_delay().start();
    let client = server.client();
    for (tenant, username, password) in [
        ("default", "jdoe", "wrong"),
        ("default", "nobody", PASSWORD),
        ("default", "JDOE", PASSWORD),
        ("default", " jdoe", PASSWORD),
        ("default", "", PASSWORD),
        ("default", PROFILE, PASSWORD),
        ("nowhere", "jdoe", PASSWORD),
        ("Default", "jdoe", PASSWORD),
        ("", "jdoe", PASSWORD),
        // It has no password.
        ("acme.com", "jdoe", PASSWORD),
        ("acme.com", "jdoe", ""),
    ] {
        let before = server.app.passwords.hashes();
        let response = client.sign_in_to(tenant, username, password);
        response.assert_bad_credentials();
        let hashes = server.app.passwords.hashes() - before;
        assert_eq!(hashes, 1, "of {username:?} in {tenant:?}");
    }
}

#[test]
fn an_unknown_user_leaves_no_trace() {
    let server = setup().start();
    let commits = server.app.store.commits();
    for number in 0..20 {
        let response = server
            .client()
            .sign_in(&format!("nobody-{number}"), PASSWORD);
        response.assert_bad_credentials();
    }
    assert_eq!(server.app.store.commits(), commits);
    let unknown = Event::FailedSignIn(SignInFailure::UnknownUser);
    assert_eq!(server.app.audit.count(unknown), 20);
}

#[test]
fn signing_in_requires_three_permissions_in_their_order() {
    let server = without_delay().start();
    for (token, known, unknown) in [
        (POWERLESS, Some("MANAGE_TICKETS"), Some("MANAGE_TICKETS")),
        (PROFILES, Some("MANAGE_TICKETS"), Some("MANAGE_TICKETS")),
        (READERS, Some("MANAGE_TICKETS"), Some("MANAGE_TICKETS")),
        (ACME, Some("MANAGE_TICKETS"), Some("MANAGE_TICKETS")),
        (
            NOTHING_FIRST,
            Some("MANAGE_TICKETS"),
            Some("MANAGE_TICKETS"),
        ),
        (NARROW_FIRST, Some("MANAGE_TICKETS"), Some("MANAGE_TICKETS")),
        (TICKETS, Some("MANAGE_PROFILES"), Some("MANAGE_PROFILES")),
        // READ_TENANT counts once there is a user.
        (BOTH, Some("READ_TENANT"), None),
        (SIGN_IN, None, None),
    ] {
        let client = server.client().with_token(token);
        for username in ["jdoe", "old", "nobody"] {
            let is_known = username != "nobody";
            let response = client.sign_in(username, "wrong");
            match if is_known { known } else { unknown } {
                Some(action) => response.assert_denied(action, "default"),
                None if username == "old" => {
                    response.assert_disabled_profile(DISABLED_PROFILE, "default");
                }
                None => response.assert_bad_credentials(),
            }
        }
    }
    // What is refused is refused also where there is no such tenant.
    let client = server.client().with_token(SIGN_IN);
    let response = client.sign_in_to("nowhere", "jdoe", PASSWORD);
    response.assert_denied("MANAGE_TICKETS", "nowhere");
}

#[test]
fn the_caller_comes_first() {
    let server = setup().start();
    let hashes = server.app.passwords.hashes();
    let response = server
        .client()
        .with_token("nobody")
        .sign_in("jdoe", PASSWORD);
    let message = "No access token found for ID \"nobody\"";
    response.assert_error(403, "ACCESS_DENIED", message);
    let response = server.client().post(AUTHENTICATE, "username=jdoe");
    let message = "Access token ID param missing from request";
    response.assert_error(403, "ACCESS_DENIED", message);
    server
        .app
        .clock
        .advance(Duration::from_secs(30 * 24 * 3_600));
    let response = server
        .client()
        .with_token(EXPIRING)
        .sign_in("jdoe", PASSWORD);
    assert_eq!(response.status, 403, "{response:?}");
    assert_eq!(server.app.passwords.hashes(), hashes);
}

#[test]
fn a_disabled_profile_is_refused_before_its_password_is_looked_at() {
    let server = without_delay().start();
    let hashes = server.app.passwords.hashes();
    for password in [PASSWORD, "wrong"] {
        let response = server.client().sign_in("old", password);
        response.assert_disabled_profile(DISABLED_PROFILE, "default");
    }
    assert_eq!(server.app.passwords.hashes(), hashes);
    let disabled = Event::FailedSignIn(SignInFailure::Disabled);
    assert_eq!(server.app.audit.count(disabled), 2);
    // Also if it is locked.
    for _ in 0..10 {
        server
            .client()
            .sign_in("jdoe", "wrong")
            .assert_bad_credentials();
    }
    server.update_profile(PROFILE, |profile| profile.enabled = false);
    let response = server.client().sign_in("jdoe", PASSWORD);
    response.assert_disabled_profile(PROFILE, "default");
}

#[test]
fn each_sign_in_right_or_wrong_moves_the_time_of_modification() {
    let server = setup().start();
    let client = server.client();
    let mut last = stored(&server).last_modified;
    for password in [PASSWORD, "wrong", PASSWORD] {
        server.app.clock.advance(Duration::from_secs(60));
        client.sign_in("jdoe", password);
        let now = stored(&server).last_modified;
        assert_eq!(now, server.app.clock.now().time());
        assert!(now > last);
        last = now;
    }
}

#[test]
fn a_sign_in_replaces_a_hash_that_is_not_as_the_settings_are_now() {
    for imported in [CONTRACT, COSTLIER] {
        let server = setup().start();
        let client = server.client();
        match imported {
            CONTRACT => {}
            _ => server.update_profile(PROFILE, |profile| {
                profile.password = PasswordHash::parse(COSTLIER);
            }),
        }
        let hash = || stored(&server).password.expect("a password").to_text();
        client.sign_in("jdoe", "wrong").assert_bad_credentials();
        assert_eq!(hash(), imported);
        client.sign_in("jdoe", PASSWORD).ticket();
        let replaced = hash();
        assert!(replaced.starts_with("$argon2id$v=19$m=64,t=5,p=1$"));
        client.sign_in("jdoe", PASSWORD).ticket();
        client.sign_in("jdoe", "wrong").assert_bad_credentials();
        assert_eq!(hash(), replaced);
    }
}

#[test]
fn who_wants_to_move_back_keeps_the_format_of_the_contract() {
    let server = setup().flag("--password-hash=contract").start();
    let client = server.client();
    client.sign_in("jdoe", PASSWORD).ticket();
    let hash = || stored(&server).password.expect("a password").to_text();
    assert_eq!(hash(), CONTRACT);
    server.update_profile(PROFILE, |profile| {
        profile.password = PasswordHash::parse(COSTLIER);
    });
    client.sign_in("jdoe", PASSWORD).ticket();
    assert_eq!(hash().find('|'), Some(44));
    client.sign_in("jdoe", PASSWORD).ticket();
}
