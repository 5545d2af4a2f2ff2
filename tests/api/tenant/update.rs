//! Replacing a tenant.

use serde_json::{Value, json};

use crate::support::client::Response;
use crate::tenant::support::{
    ADMIN, ANNA, BEN, CORP, CORP_JSON, NOTHING, READER, UPDATER, assert_no_such_tenant,
    assert_state, get, post_json, server, tenant,
};

/// Asserts the order of the checks of each update, of which `update` is one of the tenant with a name.
#[track_caller]
pub fn assert_update_is_checked(update: impl Fn(&str, &str) -> Response) {
    update(NOTHING, "corp").assert_denied("READ_TENANT", "corp");
    update(UPDATER, "corp").assert_denied("READ_TENANT", "corp");
    update(READER, "corp").assert_denied("UPDATE_TENANT", "corp");
    update(CORP, "other").assert_denied("READ_TENANT", "other");
    update(CORP, "none").assert_denied("READ_TENANT", "none");
    assert_no_such_tenant(&update(ADMIN, "none"), "none");
    let message = "Access token ID param missing from request";
    update("", "none").assert_error(403, "ACCESS_DENIED", message);
    let message = "No access token found for ID \"?\"";
    update("?", "none").assert_error(403, "ACCESS_DENIED", message);
    assert_eq!(update(CORP, "corp").status, 200);
}

#[test]
fn what_is_absent_takes_its_default_and_the_profiles_follow() {
    let server = server();
    let changed = post_json(&server, CORP, "update", &json!({"name": "corp", "id": "x"}));
    let expected = concat!(
        r#"{"name":"corp","verifyNewProfiles":false,"availableRoles":[],"ssoEnabled":false,"#,
        r#""attributeDefinitions":[],"cleanseAttributes":true,"id":"60a0000000000000000000f1"}"#
    );
    assert_eq!((changed.status, changed.body.as_str()), (200, expected));
    assert_eq!(get(&server, CORP, "corp").body, expected);
    assert_state(&server, ANNA, Some(&[]), Some(json!({})));
    assert_state(&server, BEN, None, None);
}

#[test]
fn the_profiles_lose_what_is_gone_and_get_the_defaults() {
    let server = server();
    let update = json!({
        "name": "corp", "availableRoles": ["NEW", "ADMIN"], "cleanseAttributes": false,
        "attributeDefinitions": [
            {"name": "age", "defaultValue": 18}, {"name": "color", "defaultValue": "blue"}, {"name": "none"},
        ],
    });
    let changed = tenant(&post_json(&server, CORP, "update", &update));
    assert_eq!(changed["availableRoles"], json!(["NEW", "ADMIN"]));
    assert_eq!(changed["cleanseAttributes"], false);
    let anna = json!({"age": 44, "color": "blue"});
    assert_state(&server, ANNA, Some(&["ADMIN"]), Some(anna));
    assert_state(
        &server,
        BEN,
        None,
        Some(json!({"age": 18, "color": "blue"})),
    );
}

#[test]
fn the_tenant_as_it_is_changes_nothing_but_missing_defaults() {
    let server = server();
    let document: Value = serde_json::from_str(CORP_JSON).expect("it is JSON");
    let unchanged = post_json(&server, CORP, "update", &document);
    assert_eq!(unchanged.body, CORP_JSON);
    let anna = json!({"city": "Bern", "age": 44});
    assert_state(&server, ANNA, Some(&["USER", "ADMIN"]), Some(anna));
    assert_state(&server, BEN, None, Some(json!({"city": "Ulm"})));
}

#[test]
fn who_may() {
    let server = server();
    assert_update_is_checked(|token, name| {
        post_json(&server, token, "update", &json!({"name": name}))
    });
    for document in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "corp", "x": 1}),
    ] {
        post_json(&server, ADMIN, "update", &document).assert_other_error(400);
    }
}
