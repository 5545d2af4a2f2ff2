//! The device that a login is created on, as the application describes it.

use crate::support::client::Listed;
use crate::support::fixture::{LOGIN, NO_PROFILE, NOW, PROFILE};
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
