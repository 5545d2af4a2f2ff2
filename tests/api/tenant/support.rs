//! Tenants and access tokens that may do one thing less than another, and the requests.

use rememberd::testing::{ObjectId, Profile, tables};
use serde_json::{Value, json};

use crate::support::client::{FORM, Response, encode};
use crate::support::fixture;
use crate::support::server::{Server, Setup};

/// The path of the endpoints.
pub const TENANTS: &str = "/crafter-profile/api/1/tenant";

/// Allows everything everywhere.
pub const ADMIN: &str = fixture::ADMIN;
/// Allows everything on `corp`, by name.
pub const CORP: &str = "all-of-corp";
/// Allows READ_TENANT on `corp`.
pub const READER: &str = "read-corp";
/// Allows UPDATE_TENANT and DELETE_TENANT on `corp`.
pub const UPDATER: &str = "update-corp";
/// Allows READ_TENANT on all tenants.
pub const READ_ALL: &str = "read-all";
/// Allows nothing.
pub const NOTHING: &str = "nothing";

/// A profile of `corp` with the roles `USER` and `ADMIN`, and the attributes `city` and `age`.
pub const ANNA: &str = "60a000000000000000000001";
/// One without roles and attributes.
pub const BEN: &str = "60a000000000000000000002";
/// One of `other` that has what Anna has.
pub const DORA: &str = "60a000000000000000000004";

/// The tenant `corp`, but for its id.
pub const CORP_JSON: &str = concat!(
    r#"{"name":"corp","verifyNewProfiles":false,"availableRoles":["USER","ADMIN"],"ssoEnabled":true,"#,
    r#""attributeDefinitions":[{"permissions":[{"allowedActions":["*"],"application":"*"}],"name":"city","#,
    r#""metadata":{"label":"City","type":"TEXT"},"defaultValue":"Ulm"},"#,
    r#"{"permissions":[{"allowedActions":["*"],"application":"*"}],"name":"age","metadata":null,"#,
    r#""defaultValue":null}],"cleanseAttributes":true,"id":"60a0000000000000000000f1"}"#
);

fn seed() -> Value {
    let mut seed = fixture::seed();
    let tokens = seed["accesstoken"].as_array_mut().expect("a list");
    let token = |id: &str, tenant: &str, actions: Value| {
        let permission = json!({"tenant": tenant, "allowedActions": actions});
        json!({"_id": id, "application": "tests", "tenantPermissions": [permission]})
    };
    tokens.extend([
        token(CORP, "corp", json!(["*"])),
        token(READER, "corp", json!(["READ_TENANT"])),
        token(UPDATER, "corp", json!(["UPDATE_TENANT", "DELETE_TENANT"])),
        token(READ_ALL, "*", json!(["READ_TENANT"])),
        token(NOTHING, "*", json!([])),
    ]);
    let permissions = json!([{"application": "*", "allowedActions": ["*"]}]);
    let definitions = json!([
        {"name": "city", "permissions": permissions, "metadata": {"label": "City", "type": "TEXT"},
         "defaultValue": "Ulm"},
        {"name": "age", "permissions": permissions},
    ]);
    let tenants = seed["tenant"].as_array_mut().expect("a list");
    tenants.extend([
        json!({"_id": "60a0000000000000000000f1", "name": "corp", "availableRoles": ["USER", "ADMIN"],
               "ssoEnabled": true, "attributeDefinitions": definitions}),
        json!({"name": "other", "availableRoles": ["USER"], "attributeDefinitions": definitions}),
    ]);
    let profile = |id: &str, tenant: &str, username: &str, has_all: bool| {
        let mut profile =
            json!({"_id": id, "username": username, "enabled": true, "tenant": tenant});
        if has_all {
            profile["roles"] = json!(["USER", "ADMIN"]);
            profile["attributes"] = json!({"city": "Bern", "age": 44});
        }
        profile
    };
    let profiles = seed["profile"].as_array_mut().expect("a list");
    profiles.extend([
        profile(ANNA, "corp", "anna", true),
        profile(BEN, "corp", "ben", false),
        profile(DORA, "other", "dora", true),
    ]);
    seed
}

/// A server with the tenants `default`, `acme.com`, `corp` and `other`. No background work runs.
pub fn server() -> Server {
    Setup::new().seed(seed()).start()
}

/// GET of an endpoint.
pub fn get(server: &Server, token: &str, path: &str) -> Response {
    let query = encode(&[("accessTokenId", token)]);
    server.client().get(&format!("{TENANTS}/{path}?{query}"))
}

/// POST of a form to an endpoint.
pub fn post(server: &Server, token: &str, path: &str, form: &[(&str, &str)]) -> Response {
    let form = encode(&[&[("accessTokenId", token)], form].concat());
    let target = format!("{TENANTS}/{path}");
    let client = server.client();
    client.send("POST", &target, &[FORM], Some(form.as_bytes()))
}

/// POST of a JSON document to an endpoint.
pub fn post_text(server: &Server, token: &str, path: &str, document: &str) -> Response {
    let target = format!("{TENANTS}/{path}?{}", encode(&[("accessTokenId", token)]));
    let json = [("content-type", "application/json")];
    let client = server.client();
    client.send("POST", &target, &json, Some(document.as_bytes()))
}

/// As [`post_text`].
pub fn post_json(server: &Server, token: &str, path: &str, document: &Value) -> Response {
    post_text(server, token, path, &document.to_string())
}

/// The tenant in a response.
#[track_caller]
pub fn tenant(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_str(&response.body).expect("it is JSON")
}

/// Asserts that this tenant does not exist.
#[track_caller]
pub fn assert_no_such_tenant(response: &Response, name: &str) {
    let message = format!("No tenant with name \"{name}\" found");
    response.assert_error(404, "NO_SUCH_TENANT", &message);
}

/// Asserts that an action on all tenants is refused.
#[track_caller]
pub fn assert_globally_denied(response: &Response, action: &str) {
    let message =
        format!("Current subject does not have permission to execute global action \"{action}\"");
    response.assert_error(403, "ACTION_DENIED", &message);
}

/// A profile as it is now.
#[track_caller]
pub fn profile(server: &Server, id: &str) -> Profile {
    let id = ObjectId::parse(id).expect("an id");
    let found = server.app.store.read(|txn| tables::profile::get(txn, id));
    found.expect("it is readable").expect("it exists")
}

/// Asserts the roles and the attributes of a profile, as it is now: `None` for what was never set.
#[track_caller]
pub fn assert_state(server: &Server, id: &str, roles: Option<&[&str]>, attributes: Option<Value>) {
    let found = profile(server, id);
    let owned = |roles: &[&str]| roles.iter().map(|&role| role.to_owned()).collect();
    assert_eq!(found.roles, roles.map(owned), "{id}");
    let found = found.attributes.map(|found| {
        let parse = |json: &str| serde_json::from_str::<Value>(json).expect("it is JSON");
        let values = found
            .iter()
            .map(|(name, json)| (name.to_owned(), parse(json)));
        Value::Object(values.collect())
    });
    assert_eq!(found, attributes, "{id}");
}
