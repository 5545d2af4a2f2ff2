//! Setting attributes of a profile.

use rememberd::testing::Event;
use serde_json::{Value, json};

use crate::profile::changes::{
    LATER, SHOP, assert_attribute_denied, assert_not_defined, assert_order_of_checks,
    assert_unchanged, json_of, post, post_json, read, server, setup,
};
use crate::profile::seed::{ADMIN, ANNA, BEN, READER};
use crate::support::client::Response;
use crate::support::concurrency::together;
use crate::support::server::Server;

fn update(server: &Server, token: &str, id: &str, json: &str) -> Response {
    post_json(server, token, &format!("{id}/attributes/update"), &[], json)
}

#[test]
fn attributes_are_merged() {
    let server = server();
    let mut expected = read(&server, ANNA);
    let json = r#" {"name":"A","tree":{"new":[null,{"a":null,"b":1.0}],"gone":null}} "#;
    let updated = json_of(&update(&server, ADMIN, ANNA, json));
    expected["lastModified"] = json!(LATER.as_millis());
    expected["attributes"]["name"] = json!("A");
    // An object is replaced.
    expected["attributes"]["tree"] = json!({"new": [null, {"b": 1.0}]});
    assert_eq!(read(&server, ANNA), expected);
    assert_eq!(updated, expected);
    let shown = json_of(&update(&server, ADMIN, ANNA, r#"{"score":null}"#));
    assert_eq!(read(&server, ANNA), expected);
    expected["attributes"]["score"] = Value::Null;
    assert_eq!(shown, expected);
    let nothing = json_of(&update(&server, ADMIN, ANNA, "{}"));
    assert_eq!(nothing, read(&server, ANNA));
    let first = json_of(&update(
        &server,
        ADMIN,
        BEN,
        r#"{"name":99999999999999999999}"#,
    ));
    assert_eq!(first["attributes"], json!({"name": "99999999999999999999"}));
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::UpdateProfile), 4);
    let before = read(&server, ANNA);
    let server = setup().home(server.stop()).start();
    assert_eq!(read(&server, ANNA), before);
}

#[test]
fn the_body_is_one_json_object() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        for body in [
            "",
            "null",
            "[]",
            "1",
            "{",
            "{'name':1}",
            "{\"name\":1,}",
            "{}{}",
            "{/**/}",
        ] {
            update(&server, ADMIN, ANNA, body).assert_other_error(400);
        }
        // A form is another type.
        let path = format!("{ANNA}/attributes/update");
        let form = post(&server, ADMIN, &path, &[("name", "x")]);
        let message = "Content type 'application/x-www-form-urlencoded' not supported";
        form.assert_error(415, "OTHER", message);
    });
}

#[test]
fn if_one_attribute_may_not_be_written_nothing_is() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        let refused = update(&server, ADMIN, ANNA, r#"{"name":"x","age":1}"#);
        assert_attribute_denied(&refused, "WRITE_ATTRIBUTE", "age");
        let refused = update(&server, SHOP, ANNA, r#"{"name":"x","hidden":null}"#);
        assert_attribute_denied(&refused, "WRITE_ATTRIBUTE", "hidden");
        let refused = update(&server, ADMIN, ANNA, r#"{"name":"x","tree.h":1}"#);
        assert_not_defined(&refused, "tree.h", "corp");
        // What is stored without a definition cannot be written either.
        assert_not_defined(
            &update(&server, ADMIN, ANNA, r#"{"undefined":1}"#),
            "undefined",
            "corp",
        );
    });
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    assert_order_of_checks(&server, |token, id| {
        update(&server, token, id, r#"{"none":1}"#)
    });
}

#[test]
fn the_response_shows_what_may_be_read_and_what_was_written() {
    let server = server();
    let shown = |parameters: &[(&str, &str)]| {
        let path = format!("{ANNA}/attributes/update");
        let response = post_json(&server, READER, &path, parameters, r#"{"tree":[1]}"#);
        json_of(&response)["attributes"].clone()
    };
    let all = json!({"name": "Anna \"A\" Zö", "score": 1.0, "secret": "s", "tree": [1]});
    assert_eq!(shown(&[]), all);
    assert_eq!(
        shown(&[("attributeToReturn", "tree,age")]),
        json!({"tree": [1]})
    );
    assert_eq!(shown(&[("attributeToReturn", "$none")]), json!({}));
}

#[test]
fn the_given_attributes_are_cleansed() {
    let server = server();
    let parameters = [
        ("tenantName", "styled"),
        ("username", "eve"),
        ("email", "a@b"),
        ("enabled", "1"),
    ];
    let created = json_of(&post(&server, ADMIN, "create", &parameters));
    let id = created["id"].as_str().expect("an id");
    let updated = json_of(&update(&server, ADMIN, id, r#"{"large":"<>","other":"<"}"#));
    // The text was cleansed when it was created, and is not escaped again.
    let expected = json!({"large": "&lt;&gt;", "other": "<", "text": "&lt;b&gt;"});
    assert_eq!(updated["attributes"], expected);
}

#[test]
fn no_concurrent_change_is_lost() {
    let server = server();
    let names = ["name", "score", "tree"];
    let updated = together(&server, 24, |_| {
        names.map(|name| {
            let json = format!(r#"{{"{name}":"{name}"}}"#);
            update(&server, ADMIN, ANNA, &json).status
        })
    });
    assert!(updated.iter().flatten().all(|status| *status == 200));
    let attributes = read(&server, ANNA)["attributes"].clone();
    for name in names {
        assert_eq!(attributes[name], name);
    }
    assert_eq!(attributes["age"], 44);
}

#[test]
fn attributes_are_bounded() {
    let server = setup().flag("--attributes-size-max=256").start();
    assert_unchanged(&server, ANNA, || {
        let json = json!({"name": "x".repeat(256)}).to_string();
        let message = "The attributes of a profile can take 256 bytes at most";
        update(&server, ADMIN, ANNA, &json).assert_error(400, "OTHER", message);
    });
}
