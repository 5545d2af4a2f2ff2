//! Adding, replacing and removing the attribute definitions of a tenant.

use serde_json::{Value, json};

use crate::tenant::support::{
    ADMIN, ANNA, BEN, CORP, DORA, READER, assert_state, get, post, post_json, post_text, server,
    tenant,
};
use crate::tenant::update::assert_update_is_checked;

const ADD: &str = "corp/attribute_definitions/add";
const UPDATE: &str = "corp/attribute_definitions/update";
const REMOVE: &str = "corp/attribute_definitions/remove";

fn names(tenant: &Value) -> Vec<&str> {
    let definitions = tenant["attributeDefinitions"].as_array().expect("a list");
    let name = |definition: &'_ Value| definition["name"].as_str().map(str::len);
    assert!(
        definitions
            .iter()
            .all(|definition| name(definition).is_some())
    );
    definitions
        .iter()
        .map(|definition| definition["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn added_ones_come_after_the_others_and_profiles_get_all_defaults() {
    let server = server();
    let added = json!([
        {"name": "color", "defaultValue": {"c": [1.0, null]}},
        {"name": "city", "defaultValue": "not this one"},
        {"name": "color", "defaultValue": "nor this one"},
        {"name": "empty"},
    ]);
    let changed = post_json(&server, CORP, ADD, &added);
    let found = tenant(&changed);
    assert_eq!(names(&found), ["city", "age", "color", "empty"]);
    assert_eq!(found["attributeDefinitions"][0]["defaultValue"], "Ulm");
    assert_eq!(get(&server, CORP, "corp").body, changed.body);
    // The default of `city`, too, which was there before.
    let color = json!({"c": [1.0, null]});
    let anna = json!({"city": "Bern", "age": 44, "color": color});
    assert_state(&server, ANNA, Some(&["USER", "ADMIN"]), Some(anna));
    assert_state(
        &server,
        BEN,
        None,
        Some(json!({"city": "Ulm", "color": color})),
    );
    let dora = json!({"city": "Bern", "age": 44});
    assert_state(&server, DORA, Some(&["USER", "ADMIN"]), Some(dora));
}

#[test]
fn replaced_ones_are_replaced_whole_and_profiles_stay_as_they_are() {
    let server = server();
    let replacing = json!([
        {"name": "city", "defaultValue": "Rome"},
        {"name": "unknown", "defaultValue": 1},
    ]);
    let changed = post_json(&server, CORP, UPDATE, &replacing);
    let found = tenant(&changed);
    assert_eq!(names(&found), ["city", "age"]);
    let city = json!({"name": "city", "permissions": [], "metadata": null, "defaultValue": "Rome"});
    assert_eq!(found["attributeDefinitions"][0], city);
    assert_eq!(get(&server, CORP, "corp").body, changed.body);
    assert_state(&server, BEN, None, None);
}

#[test]
fn the_profiles_lose_removed_ones() {
    let server = server();
    let form = [("attributeName", "city,unknown")];
    let changed = post(&server, CORP, REMOVE, &form);
    assert_eq!(names(&tenant(&changed)), ["age"]);
    assert_state(
        &server,
        ANNA,
        Some(&["USER", "ADMIN"]),
        Some(json!({"age": 44})),
    );
    assert_state(&server, BEN, None, None);
    let dora = json!({"city": "Bern", "age": 44});
    assert_state(&server, DORA, Some(&["USER", "ADMIN"]), Some(dora));
    // Defined again, it is not there again, but for the default.
    post_json(
        &server,
        CORP,
        ADD,
        &json!([{"name": "city", "defaultValue": "Bonn"}]),
    );
    let anna = json!({"city": "Bonn", "age": 44});
    assert_state(&server, ANNA, Some(&["USER", "ADMIN"]), Some(anna));
}

#[test]
fn who_may() {
    let server = server();
    assert_update_is_checked(|token, name| {
        let path = format!("{name}/attribute_definitions/add");
        post_json(
            &server,
            token,
            &path,
            &json!([{"name": "x", "defaultValue": 1}]),
        )
    });
    assert_update_is_checked(|token, name| {
        let path = format!("{name}/attribute_definitions/update");
        post_json(&server, token, &path, &json!([{"name": "x"}]))
    });
    assert_update_is_checked(|token, name| {
        let path = format!("{name}/attribute_definitions/remove");
        post(&server, token, &path, &[("attributeName", "x")])
    });
    // A refused removal takes nothing from the profiles.
    post(&server, READER, REMOVE, &[("attributeName", "city")])
        .assert_denied("UPDATE_TENANT", "corp");
    let anna = json!({"city": "Bern", "age": 44});
    assert_state(&server, ANNA, Some(&["USER", "ADMIN"]), Some(anna));
}

#[test]
fn what_is_no_list_of_definitions_is_refused() {
    let server = server();
    for path in [ADD, UPDATE] {
        for document in [
            json!({"name": "x"}),
            json!([{"name": "x", "unknown": 1}]),
            json!(["x"]),
            json!([null]),
        ] {
            post_json(&server, ADMIN, path, &document).assert_other_error(400);
        }
        for text in ["", "null", "[", "[{\"name\":\"x\"},]"] {
            post_text(&server, ADMIN, path, text).assert_other_error(400);
        }
        let unchanged = post_json(&server, ADMIN, path, &json!([]));
        assert_eq!(names(&tenant(&unchanged)), ["city", "age"]);
    }
    for name in [json!(""), json!(null), json!(" ")] {
        let refused = post_json(&server, ADMIN, ADD, &json!([{"name": name}]));
        let message = "The tenant is invalid: an attribute's name is blank";
        refused.assert_error(400, "OTHER", message);
    }
    let message = "Required request parameter 'attributeName' for method parameter type Collection is not present";
    post(&server, ADMIN, REMOVE, &[]).assert_error(400, "OTHER", message);
}
