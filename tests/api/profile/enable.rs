//! Enabling and disabling a profile.

use rememberd::testing::Event;
use serde_json::json;

use crate::profile::changes::{LATER, assert_order_of_checks, json_of, post, read, server, setup};
use crate::profile::seed::{ADMIN, ANNA, BEN, CARL, READER};

#[test]
fn a_profile_is_disabled_and_enabled_again() {
    let server = server();
    let send = |id: &str, verb: &str| json_of(&post(&server, ADMIN, &format!("{id}/{verb}"), &[]));
    let mut expected = read(&server, ANNA);
    expected["lastModified"] = json!(LATER.as_millis());
    for (verb, is_enabled) in [
        ("disable", false),
        ("disable", false),
        ("enable", true),
        ("enable", true),
    ] {
        expected["enabled"] = json!(is_enabled);
        assert_eq!(send(ANNA, verb), expected);
        assert_eq!(read(&server, ANNA), expected);
    }
    assert_eq!(send(BEN, "enable")["enabled"], true);
    server.client().create(BEN).login();
    server.wait_for_writer();
    let count = |event| server.app.audit.count(event);
    assert_eq!(
        (count(Event::DisableProfile), count(Event::EnableProfile)),
        (2, 2)
    );
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, ANNA), expected);
    assert_eq!(read(&server, BEN)["enabled"], true);
}

#[test]
fn disabling_ends_the_access_of_the_profile_for_good() {
    let server = server();
    let client = server.client();
    let ended: Vec<_> = (0..3).map(|_| client.create(ANNA).login()).collect();
    let other = client.create(CARL).login();
    json_of(&post(&server, ADMIN, &format!("{ANNA}/disable"), &[]));
    client.create(ANNA).assert_disabled_profile(ANNA, "corp");
    for login in &ended {
        client.refresh(&login.id).assert_no_such_login(&login.id);
    }
    json_of(&post(&server, ADMIN, &format!("{ANNA}/enable"), &[]));
    let login = client.create(ANNA).login();
    let server = setup().home(server.stop()).start();
    let client = server.client();
    for login in &ended {
        client.read(&login.id).assert_no_such_login(&login.id);
    }
    assert_eq!(client.read(&login.id).login(), login);
    assert_eq!(client.read(&other.id).login(), other);
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    for verb in ["enable", "disable"] {
        assert_order_of_checks(&server, |token, id| {
            post(&server, token, &format!("{id}/{verb}"), &[])
        });
    }
}

#[test]
fn attribute_to_return_takes_whole_names() {
    let server = server();
    for verb in ["enable", "disable"] {
        let shown = |parameters: &[(&str, &str)]| {
            json_of(&post(
                &server,
                READER,
                &format!("{ANNA}/{verb}"),
                parameters,
            ))["attributes"]
                .clone()
        };
        assert_eq!(
            shown(&[]),
            json!({"name": "Anna \"A\" Zö", "score": 1.0, "secret": "s"})
        );
        let some = [
            ("attributeToReturn", "score"),
            ("attributeToReturn", "tree"),
        ];
        assert_eq!(shown(&some), json!({"score": 1.0}));
        assert_eq!(shown(&[("attributeToReturn", "$none")]), json!({}));
    }
}
