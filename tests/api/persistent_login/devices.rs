//! The device that a login is created on, as the application describes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rememberd::testing::{Fixed, LoginKey, ObjectId, PersistentLoginId, Table};

use crate::support::client::Listed;
use crate::support::concurrency::together;
use crate::support::fixture::{LOGIN, NO_LOGIN, NO_PROFILE, NOW, PROFILE};
use crate::support::process::Launch;
use crate::support::server::{Server, Setup};

/// Each parameter and the maximum length of its value in characters.
const PARAMETERS: [(&str, usize); 3] = [("label", 100), ("userAgent", 512), ("ipAddress", 64)];

/// The entry of the login with this id in the list of its profile.
#[track_caller]
fn listed(server: &Server, id: &str) -> Listed {
    let list = server.client().by_profile(PROFILE, "").list();
    let found = list.into_iter().find(|listed| listed.id == id);
    found.expect("the login is listed")
}

fn value<'l>(listed: &'l Listed, name: &str) -> Option<&'l str> {
    let value = match name {
        "label" => &listed.label,
        "userAgent" => &listed.user_agent,
        _ => &listed.ip_address,
    };
    value.as_deref()
}

#[test]
fn a_device_is_listed_and_not_in_the_responses_of_the_contract() {
    let server = Server::start();
    let client = server.client();
    let device = [
        ("label", "Jane's \"kitchen\" \\ tablet <b>&+;= 💻"),
        ("userAgent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("ipAddress", "fe80::1%eth0"),
    ];
    // `login` asserts that the responses have exactly the fields of the contract.
    let created = client.create_with(PROFILE, &device).login();
    assert_eq!(client.read(&created.id).login(), created);
    let refreshed = client.refresh_with(&created.id, &created.token).login();
    assert_eq!(
        client.refresh_with(&created.id, &created.token).login(),
        refreshed
    );
    let expected = Listed {
        id: created.id.clone(),
        tenant: "default".to_owned(),
        profile_id: PROFILE.to_owned(),
        label: Some(device[0].1.to_owned()),
        user_agent: Some(device[1].1.to_owned()),
        ip_address: Some(device[2].1.to_owned()),
        created_on: NOW.as_millis(),
        last_used_on: NOW.as_millis(),
        expires_on: NOW.as_millis() + 1_296_000_000,
    };
    assert_eq!(listed(&server, &created.id), expected);
    let server = Setup::new().home(server.stop()).start();
    assert_eq!(listed(&server, &created.id), expected);
    assert_eq!(server.client().read(&created.id).login(), refreshed);
}

#[test]
fn missing_and_empty_parameters_are_null() {
    let server = Server::start();
    let client = server.client();
    let empty = PARAMETERS.map(|(name, _)| (name, ""));
    let ids = [
        client.create(PROFILE).login().id,
        client.create_with(PROFILE, &empty).login().id,
        LOGIN.to_owned(),
    ];
    for (name, _) in PARAMETERS {
        let given = client.create_with(PROFILE, &[(name, "given")]).login().id;
        for (other, _) in PARAMETERS {
            let expected = (name == other).then_some("given");
            assert_eq!(value(&listed(&server, &given), other), expected);
        }
        for id in &ids {
            assert_eq!(value(&listed(&server, id), name), None);
        }
    }
}

#[test]
fn a_long_text_is_cut_and_no_reason_to_refuse() {
    let server = Server::start();
    let client = server.client();
    for (name, chars_max) in PARAMETERS {
        for letter in ["x", "ü", "💻"] {
            let longest = letter.repeat(chars_max);
            let longer = letter.repeat(chars_max + 1);
            let long = letter.repeat(1_000);
            for text in [&longest, &longer, &long] {
                let login = client.create_with(PROFILE, &[(name, text)]).login();
                let listed = listed(&server, &login.id);
                assert_eq!(value(&listed, name), Some(longest.as_str()));
            }
        }
    }
}

#[test]
fn what_cannot_be_seen_is_dropped() {
    let server = Server::start();
    let client = server.client();
    for (name, _) in PARAMETERS {
        for (text, expected) in [
            ("a\0b\u{7f}\u{9f}", Some("ab")),
            ("a\tb\r\nX: y\u{85}\u{2028}z", Some("a b X: y z")),
            ("\u{1b}[2J", Some("[2J")),
            ("pho\u{202E}gnp\u{2066}", Some("phognp")),
            ("a\u{200B}\u{FEFF}\u{200D}b\u{AD}\u{E0041}", Some("ab")),
            ("\u{200B} \n\u{3164}", None),
        ] {
            let login = client.create_with(PROFILE, &[(name, text)]).login();
            let listed = listed(&server, &login.id);
            assert_eq!(value(&listed, name), expected, "{text:?}");
        }
    }
}

#[test]
fn the_caller_is_checked_before_the_device() {
    let server = Server::start();
    let unknown = server.client().with_token("nobody");
    let response = unknown.create_with(PROFILE, &[("label", "fine")]);
    let message = "No access token found for ID \"nobody\"";
    response.assert_error(403, "ACCESS_DENIED", message);
    let response = server
        .client()
        .create_with(NO_PROFILE, &[("label", "fine")]);
    response.assert_no_such_profile(NO_PROFILE);
}

/// The device of a login: its label, user agent and IP address.
type Texts<'t> = [Option<&'t str>; 3];

#[track_caller]
fn assert_device(server: &Server, id: &str, expected: Texts<'_>) {
    let listed = listed(server, id);
    let device = PARAMETERS.map(|(name, _)| value(&listed, name));
    assert_eq!(device, expected);
}

/// Refreshes the login with this token and these texts. Returns the new token.
#[track_caller]
fn refresh(server: &Server, id: &str, token: &str, texts: &[(&str, &str)]) -> String {
    let parameters = [&[("token", token)], texts].concat();
    let target = format!("{id}/refresh_token");
    let response = server.client().post_with(&target, &parameters);
    response.login().token
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_refresh_shows_the_newest_device_in_its_own_commit() {
    let server = Server::start();
    let device = [
        ("label", "Phone"),
        ("userAgent", "one"),
        ("ipAddress", "::1"),
    ];
    let created = server.client().create_with(PROFILE, &device).login();
    let id = created.id.as_str();
    let mut token = created.token;
    for (texts, expected) in [
        (&[][..], [Some("Phone"), Some("one"), Some("::1")]),
        (
            &[("userAgent", "one"), ("ipAddress", "::1")],
            [Some("Phone"), Some("one"), Some("::1")],
        ),
        (
            &[("ipAddress", "::2")],
            [Some("Phone"), Some("one"), Some("::2")],
        ),
        (
            &[("userAgent", "t\u{202E}wo\n")],
            [Some("Phone"), Some("two"), Some("::2")],
        ),
        // What is empty says nothing, and the label is its owner's.
        (
            &[("userAgent", ""), ("ipAddress", "\0")],
            [Some("Phone"), Some("two"), Some("::2")],
        ),
        (
            &[("label", "Tablet")],
            [Some("Phone"), Some("two"), Some("::2")],
        ),
        (
            &[("userAgent", "3"), ("ipAddress", "::3")],
            [Some("Phone"), Some("3"), Some("::3")],
        ),
    ] {
        server.app.clock.advance(HOUR);
        let commits = server.app.store.commits();
        token = refresh(&server, id, &token, texts);
        assert_eq!(server.app.store.commits(), commits + 1);
        assert_device(&server, id, expected);
    }
    // A login that had none, and a refresh without a token.
    let target = format!("{LOGIN}/refresh_token");
    server
        .client()
        .post_with(&target, &[("userAgent", "new")])
        .login();
    assert_device(&server, LOGIN, [None, Some("new"), None]);
    let server = Setup::new()
        .home(server.stop())
        .at(NOW.plus(8 * HOUR))
        .start();
    assert_device(&server, id, [Some("Phone"), Some("3"), Some("::3")]);
    assert_device(&server, LOGIN, [None, Some("new"), None]);
    // It is removed with the login.
    server.client().delete(LOGIN).assert_empty();
    server.client().delete(id).assert_empty();
    let home = server.stop();
    let path = home.path().to_string_lossy().into_owned();
    let checked = Launch::new(&["check", "--data-dir", &path]).run();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_refresh_that_rotates_nothing_stores_nothing() {
    let server = Setup::new().flag("--coalesce-refreshes=10s").start();
    let created = server.client().create(PROFILE).login();
    let id = created.id.as_str();
    let next = refresh(&server, id, &created.token, &[("ipAddress", "::1")]);
    server.wait_for_writer();
    let commits = server.app.store.commits();
    let other = [("ipAddress", "::2")];
    // It was just replaced.
    assert_eq!(refresh(&server, id, &created.token, &other), next);
    let target = format!("{id}/refresh_token");
    let coalesced = server.client().post_with(&target, &other).login();
    assert_eq!(coalesced.token, next);
    let unknown = [&[("token", NO_LOGIN)], &other[..]].concat();
    server
        .client()
        .post_with(&target, &unknown)
        .assert_unknown_token();
    assert_eq!(server.app.store.commits(), commits);
    assert_device(&server, id, [None, None, Some("::1")]);
    // The response was lost, and the user has gone on: that is a rotation.
    server.app.clock.advance(HOUR);
    assert_ne!(refresh(&server, id, &created.token, &other), next);
    assert_device(&server, id, [None, None, Some("::2")]);
}

#[test]
fn parallel_refreshes_from_several_devices_end_with_that_of_the_last_rotation() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 20;
    let server = Server::start();
    let created = server.client().create(PROFILE).login();
    let number = AtomicUsize::new(0);
    let seen = together(&server, CLIENTS, |client| {
        let mut seen = Vec::new();
        for _ in 0..ROUNDS {
            let name = number.fetch_add(1, Ordering::Relaxed).to_string();
            let target = format!("{}/refresh_token", created.id);
            let refreshed = client.post_with(&target, &[("userAgent", &name)]).login();
            seen.push((refreshed.token, name));
        }
        seen
    });
    let last = server.client().read(&created.id).login().token;
    let seen = seen.into_iter().flatten();
    let names: Vec<_> = seen.filter(|(token, _)| *token == last).collect();
    assert_eq!(names.len(), 1, "each rotation has a token of its own");
    assert_device(&server, &created.id, [None, Some(&names[0].1), None]);
}

#[test]
fn an_unreadable_device_fails_no_refresh_and_is_replaced() {
    const DEVICES: Table<Fixed<28>> = Table::new("persistent_login_device");
    let server = Server::start();
    let client = server.client();
    let created = client.create_with(PROFILE, &[("label", "Phone")]).login();
    let key = LoginKey {
        profile_id: ObjectId::parse(PROFILE).expect("an id"),
        id: PersistentLoginId::parse(&created.id).expect("an id"),
    };
    let broken = server.app.store.write(move |txn| {
        let garbage = [0xFF; 9];
        txn.put(&DEVICES, &key.to_bytes(), &garbage)
    });
    server.block_on(broken).expect("the storage works");
    assert_eq!(client.by_profile(PROFILE, "").status, 503);
    let token = refresh(&server, &created.id, &created.token, &[]);
    assert_eq!(client.by_profile(PROFILE, "").status, 503);
    server.app.clock.advance(HOUR);
    refresh(&server, &created.id, &token, &[("userAgent", "new")]);
    assert_device(&server, &created.id, [None, Some("new"), None]);
}
