//! What the tests of changes have in common: a seed file with more tenants, and how a change is sent and looked at.

use rememberd::testing::Timestamp;
use serde_json::{Value, json};

use crate::profile::PROFILES;
use crate::profile::seed::{self, ADMIN, get};
use crate::support::client::{Response, encode};
use crate::support::server::{Server, Setup};

/// Allows everything on every tenant, for the application `shop`.
pub const SHOP: &str = "everything-for-shop";

/// When the changes of the tests are made: other than everything in the seed file.
pub const LATER: Timestamp = Timestamp::from_millis(1_500_000_000_000);

/// A server with the profiles of the seed file and these tenants without any: `styled`, which has default values and
/// attributes of all types; `raw`, which does not cleanse; `verifying`, which verifies new profiles; and `closed`,
/// which has a default value that nobody may write.
pub fn server() -> Server {
    setup().start()
}

/// What [`server`] starts.
pub fn setup() -> Setup {
    let mut seed = seed::seed();
    let tokens = seed["accesstoken"].as_array_mut().expect("a list");
    tokens.push(json!({
        "_id": SHOP, "application": "shop",
        "tenantPermissions": [{"tenant": "*", "allowedActions": ["*"]}],
    }));
    let tenants = seed["tenant"].as_array_mut().expect("a list");
    let typed = [
        open("text", json!("TEXT"), json!("<b>")),
        open("large", json!("LARGE_TEXT"), json!(null)),
        open("list", json!("STRING_LIST"), json!(null)),
        open("other", json!("text"), json!(1.0)),
        open("complex", json!("COMPLEX"), json!(null)),
    ];
    tenants.extend([
        json!({"name": "styled", "attributeDefinitions": typed, "availableRoles": ["USER"]}),
        json!({"name": "raw", "attributeDefinitions": typed, "cleanseAttributes": false}),
        json!({"name": "verifying", "verifyNewProfiles": true}),
        json!({"name": "closed", "attributeDefinitions": [
            {"name": "fixed", "defaultValue": 1, "permissions": []},
        ]}),
    ]);
    Setup::new().seed(seed).at(LATER)
}

fn open(name: &str, kind: Value, default: Value) -> Value {
    json!({
        "name": name, "metadata": {"type": kind}, "defaultValue": default,
        "permissions": [{"application": "*", "allowedActions": ["*"]}],
    })
}

/// POST of a form with an access token and these parameters.
pub fn post(server: &Server, token: &str, path: &str, parameters: &[(&str, &str)]) -> Response {
    let form = encode(&[&[("accessTokenId", token)], parameters].concat());
    server.client().post(&format!("{PROFILES}/{path}"), &form)
}

/// POST of JSON with an access token and these parameters in the query.
pub fn post_json(
    server: &Server,
    token: &str,
    path: &str,
    parameters: &[(&str, &str)],
    json: &str,
) -> Response {
    let query = encode(&[&[("accessTokenId", token)], parameters].concat());
    let target = format!("{PROFILES}/{path}?{query}");
    let headers = [("content-type", "application/json")];
    server
        .client()
        .send("POST", &target, &headers, Some(json.as_bytes()))
}

/// The JSON in a response that is 200.
#[track_caller]
pub fn json_of(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_str(&response.body).expect("JSON")
}

/// The profile with this id as the administrator sees it.
#[track_caller]
pub fn read(server: &Server, id: &str) -> Value {
    json_of(&get(server, ADMIN, id, &[]))
}

/// Asserts that nothing of the profile with this id is changed by `change`, nor anything committed.
#[track_caller]
pub fn assert_unchanged<T>(server: &Server, id: &str, change: impl FnOnce() -> T) -> T {
    let before = read(server, id);
    let commits = server.app.store.commits();
    let outcome = change();
    assert_eq!(read(server, id), before);
    assert_eq!(server.app.store.commits(), commits);
    outcome
}

/// Asserts that an attribute may not be written, read or removed.
#[track_caller]
pub fn assert_attribute_denied(response: &Response, action: &str, name: &str) {
    let message = format!(
        "Current subject does not have permission to execute action \"{action}\" on attribute \"{name}\""
    );
    response.assert_error(403, "ACTION_DENIED", &message);
}

/// Asserts that an attribute is not defined.
#[track_caller]
pub fn assert_not_defined(response: &Response, name: &str, tenant: &str) {
    let message =
        format!("Attribute definition for attribute \"{name}\" not found in tenant \"{tenant}\"");
    response.assert_error(400, "ATTRIBUTE_NOT_DEFINED", &message);
}

/// Asserts that a parameter is missing.
#[track_caller]
pub fn assert_missing(response: &Response, name: &str, kind: &str) {
    let message = format!(
        "Required request parameter '{name}' for method parameter type {kind} is not present"
    );
    response.assert_error(400, "OTHER", &message);
}

/// Asserts that a change of a profile checks, in this order, that the profile exists, MANAGE_PROFILES and READ_TENANT.
#[track_caller]
pub fn assert_order_of_checks(server: &Server, change: impl Fn(&str, &str) -> Response) {
    use crate::profile::seed::{
        ANNA, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, TENANT_ONLY,
    };
    use crate::support::fixture::NO_PROFILE;

    let none = change("", ANNA);
    none.assert_error(
        403,
        "ACCESS_DENIED",
        "Access token ID param missing from request",
    );
    for id in [NO_PROFILE, "x"] {
        change(NOTHING, id).assert_no_such_profile(id);
    }
    assert_unchanged(server, ANNA, || {
        change(NOTHING, ANNA).assert_denied(MANAGE_PROFILES, "corp");
        change(TENANT_ONLY, ANNA).assert_denied(MANAGE_PROFILES, "corp");
        change(PROFILES_ONLY, ANNA).assert_denied(READ_TENANT, "corp");
    });
}
