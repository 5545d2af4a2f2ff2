//! Updating several things of a profile at once.

use rememberd::testing::Event;
use serde_json::{Value, json};

use crate::profile::changes::{
    LATER, assert_attribute_denied, assert_not_defined, assert_order_of_checks, assert_unchanged,
    json_of, post, read, server, setup,
};
use crate::profile::seed::{ADMIN, ANNA, CARL, DORA, READER, get};
use crate::support::client::Response;
use crate::support::concurrency::together;
use crate::support::fixture::NO_PROFILE;
use crate::support::server::Server;

fn update(server: &Server, id: &str, parameters: &[(&str, &str)]) -> Response {
    post(server, ADMIN, &format!("{id}/update"), parameters)
}

/// The same JSON with other values at some names.
fn with(mut profile: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        profile[name] = value.clone();
    }
    profile
}

#[test]
fn what_is_given_is_changed_and_the_rest_is_left() {
    let server = server();
    let before = read(&server, ANNA);
    let parameters = [
        ("username", "Anne"),
        ("email", "<anne@b>"),
        ("enabled", "off"),
        ("role", "CHIEF, USER,CHIEF"),
        ("attributes", r#"{"name":"A","tree":null}"#),
        ("unknown", "x"),
    ];
    let updated = json_of(&update(&server, ANNA, &parameters));
    let mut attributes = before["attributes"].clone();
    attributes["name"] = json!("A");
    let stored = with(
        before,
        json!({
            "username": "Anne", "email": "<anne@b>", "enabled": false, "roles": ["CHIEF", "USER"],
            "attributes": attributes, "lastModified": LATER.as_millis(),
        }),
    );
    assert_eq!(read(&server, ANNA), stored);
    // Null leaves what is stored, though the answer shows it.
    attributes["tree"] = Value::Null;
    assert_eq!(
        updated,
        with(stored.clone(), json!({"attributes": attributes}))
    );
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, ANNA), stored);
}

#[test]
fn an_empty_text_changes_nothing() {
    let server = server();
    let before = read(&server, ANNA);
    let login = server.client().create(ANNA).login();
    for parameters in [
        &[
            ("username", ""),
            ("password", ""),
            ("email", ""),
            ("enabled", ""),
            ("attributes", ""),
        ][..],
        &[("attributes", "{}")],
        &[("attributes", "null")],
        &[
            ("username", "anna"),
            ("email", "anna@example.com"),
            ("enabled", "true"),
        ],
    ] {
        let updated = json_of(&update(&server, ANNA, parameters));
        assert_eq!(
            updated,
            with(before.clone(), json!({"lastModified": LATER.as_millis()}))
        );
    }
    // Its logins are left, too.
    assert_eq!(server.client().read(&login.id).login(), login);
    let cleared = json_of(&update(&server, ANNA, &[("role", "")]));
    assert_eq!(cleared["roles"], json!([]));
}

#[test]
fn attributes_and_email_are_checked_before_the_profile() {
    let server = server();
    let message = "Unable to correctly deserialize attributes from JSON string";
    let malformed = update(&server, NO_PROFILE, &[("attributes", "[]"), ("email", "x")]);
    malformed.assert_error(400, "PARAM_DESERIALIZATION_ERROR", message);
    let message = "The specified email address \"x\" is in an invalid";
    let invalid = update(&server, NO_PROFILE, &[("attributes", "{}"), ("email", "x")]);
    invalid.assert_error(400, "INVALID_EMAIL_ADDRESS", message);
    let unknown = post(
        &server,
        "nobody",
        &format!("{NO_PROFILE}/update"),
        &[("email", "x")],
    );
    unknown.assert_error(
        403,
        "ACCESS_DENIED",
        "No access token found for ID \"nobody\"",
    );
    assert_order_of_checks(&server, |token, id| {
        post(
            &server,
            token,
            &format!("{id}/update"),
            &[("email", "a@b"), ("attributes", r#"{"none":1}"#)],
        )
    });
    assert_unchanged(&server, ANNA, || {
        for (name, value) in [
            ("username", " "),
            ("username", &"x".repeat(257)),
            ("password", &"x".repeat(1_025)),
            ("enabled", "maybe"),
            ("email", &format!("{}@b", "a".repeat(1_023))),
        ] {
            update(&server, ANNA, &[(name, value)]).assert_bad_parameter(name);
        }
    });
}

#[test]
fn a_taken_username_is_refused() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        let taken = update(
            &server,
            ANNA,
            &[("username", "carl"), ("email", "x@y"), ("role", "")],
        );
        taken.assert_error(
            409,
            "PROFILE_EXISTS",
            "A profile with name \"carl\" already exists",
        );
    });
    // Another tenant does not matter, and neither does what it had before.
    json_of(&update(&server, DORA, &[("username", "carl")]));
    json_of(&update(&server, CARL, &[("username", "caroline")]));
    let renamed = json_of(&update(&server, ANNA, &[("username", "carl")]));
    assert_eq!(renamed["username"], "carl");
    let login = |username| {
        let user = [("tenantName", "corp"), ("username", username)];
        server.client().post_with("create", &user)
    };
    assert_eq!(login("carl").login().profile_id, ANNA);
    assert_eq!(login("caroline").login().profile_id, CARL);
    assert_eq!(login("anna").status, 404);
}

#[test]
fn of_concurrent_renames_to_a_username_one_succeeds() {
    let server = server();
    let ids = [ANNA, CARL];
    for round in 0..8 {
        let username = format!("new-{round}");
        let updated = together(&server, 64, |_| {
            ids.map(|id| update(&server, id, &[("username", &username)]).status)
        });
        let names = ids.map(|id| read(&server, id)["username"].clone());
        let holders = names.iter().filter(|name| **name == username).count();
        assert_eq!(holders, 1);
        for statuses in updated {
            for (name, status) in names.iter().zip(statuses) {
                assert_eq!(status, if *name == username { 200 } else { 409 });
            }
        }
    }
}

#[test]
fn if_one_attribute_may_not_be_written_nothing_is() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        let attributes = |json| update(&server, ANNA, &[("attributes", json), ("email", "x@y")]);
        assert_attribute_denied(
            &attributes(r#"{"name":"x","age":1}"#),
            "WRITE_ATTRIBUTE",
            "age",
        );
        assert_attribute_denied(
            &attributes(r#"{"hidden":null}"#),
            "WRITE_ATTRIBUTE",
            "hidden",
        );
        assert_not_defined(
            &attributes(r#"{"name":"x","undefined":1}"#),
            "undefined",
            "corp",
        );
    });
}

#[test]
fn the_response_shows_what_may_be_read_and_what_was_written() {
    let server = server();
    let path = format!("{ANNA}/update");
    let shown = |more: &[(&str, &str)]| {
        let parameters = [&[("attributes", r#"{"tree":{"h":{"i":1}}}"#)], more].concat();
        json_of(&post(&server, READER, &path, &parameters))["attributes"].clone()
    };
    let all =
        json!({"name": "Anna \"A\" Zö", "score": 1.0, "secret": "s", "tree": {"h": {"i": 1}}});
    assert_eq!(shown(&[]), all);
    assert_eq!(shown(&[("attributeToReturn", "")]), all);
    let to_return = |names| shown(&[("attributeToReturn", names)]);
    assert_eq!(to_return("tree"), json!({"tree": {"h": {"i": 1}}}));
    assert_eq!(
        to_return("tree,score,age"),
        json!({"tree": {"h": {"i": 1}}, "score": 1.0})
    );
    assert_eq!(to_return("tree.h"), json!({}));
    assert_eq!(to_return("$none"), json!({}));
    assert_eq!(
        shown(&[
            ("attributeToReturn", "tree"),
            ("attributeToReturn", "$none")
        ]),
        json!({})
    );
}

#[test]
fn another_password_ends_the_access_of_the_profile() {
    let server = server();
    let client = server.client();
    let [changed, other] = [ANNA, CARL].map(|id| client.create(id).login());
    json_of(&update(
        &server,
        ANNA,
        &[("password", "n\u{e9}w"), ("email", "x@y")],
    ));
    client.read(&changed.id).assert_no_such_login(&changed.id);
    client
        .refresh(&changed.id)
        .assert_no_such_login(&changed.id);
    assert_eq!(client.read(&other.id).login(), other);
    client.create(ANNA).login();
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::ChangePassword), 1);
    assert!(!get(&server, ADMIN, ANNA, &[]).body.contains("assword"));
}

#[test]
fn disabling_it_ends_the_access_of_the_profile() {
    let server = server();
    let client = server.client();
    let login = client.create(ANNA).login();
    json_of(&update(&server, ANNA, &[("enabled", "no")]));
    client.create(ANNA).assert_disabled_profile(ANNA, "corp");
    json_of(&update(&server, ANNA, &[("enabled", "YES")]));
    client.read(&login.id).assert_no_such_login(&login.id);
    server.wait_for_writer();
    let count = |event| server.app.audit.count(event);
    assert_eq!(
        (count(Event::DisableProfile), count(Event::EnableProfile)),
        (1, 1)
    );
    assert_eq!(count(Event::UpdateProfile), 0);
}

#[test]
fn roles_and_attributes_are_bounded() {
    let server = setup()
        .flag("--role-count-max=2")
        .flag("--attributes-size-max=256")
        .start();
    assert_unchanged(&server, ANNA, || {
        let refused = update(&server, ANNA, &[("role", "A,B,C")]);
        refused.assert_error(400, "OTHER", "A profile can have 2 roles at most");
        let attributes = json!({"name": "x".repeat(256)}).to_string();
        let refused = update(&server, ANNA, &[("attributes", &attributes)]);
        let message = "The attributes of a profile can take 256 bytes at most";
        refused.assert_error(400, "OTHER", message);
    });
}

#[test]
fn what_is_nearly_a_parameter_changes_nothing() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        for name in ["pasword", "Password", "enable", "user_name", "roles"] {
            update(&server, ANNA, &[("email", "x@y"), (name, "no")]).assert_bad_parameter(name);
        }
    });
    // Others are ignored, those of the contract's other endpoints among them.
    json_of(&update(
        &server,
        ANNA,
        &[
            ("attributeName", "x"),
            ("newPassword", "x"),
            ("anything", "x"),
        ],
    ));
}
