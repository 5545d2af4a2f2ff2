//! Tenants and profiles with attributes, and access tokens that may do one thing less than another.

use serde_json::{Value, json};

use crate::profile::PROFILES;
use crate::support::client::{Client, Response, encode};
use crate::support::fixture;
use crate::support::server::{Server, Setup};

/// A profile of the tenant `corp` with roles and attributes.
pub const ANNA: &str = "60a000000000000000000001";
/// A disabled one without any.
pub const BEN: &str = "60a000000000000000000002";
/// Another one of `corp`.
pub const CARL: &str = "60a000000000000000000003";
/// One of the tenant `other`.
pub const DORA: &str = "60a000000000000000000004";

/// Allows everything everywhere.
pub const ADMIN: &str = fixture::ADMIN;
/// Allows MANAGE_PROFILES and READ_TENANT on `corp`.
pub const READER: &str = "reader";
/// Allows MANAGE_PROFILES on `corp`.
pub const PROFILES_ONLY: &str = "profiles-only";
/// Allows READ_TENANT on `corp`.
pub const TENANT_ONLY: &str = "tenant-only";
/// Allows nothing.
pub const NOTHING: &str = "nothing";

pub const MANAGE_PROFILES: &str = "MANAGE_PROFILES";
pub const READ_TENANT: &str = "READ_TENANT";

/// What [`ADMIN`], whose application is `tests`, sees of [`ANNA`].
pub const ANNA_JSON: &str = concat!(
    r#"{"username":"anna","email":"anna@example.com","verified":true,"enabled":true,"#,
    r#""createdOn":1000,"lastModified":2000,"tenant":"corp","roles":["USER","ADMIN"],"#,
    r#""attributes":{"age":44,"name":"Anna \"A\" Zö","score":1.0,"#,
    r#""tree":{"h":{"i":1,"j":2},"list":[{"k":1,"l":2},3,{"l":4}]}},"#,
    r#""id":"60a000000000000000000001"}"#
);

/// What everybody sees of [`BEN`].
pub const BEN_JSON: &str = concat!(
    r#"{"username":"ben","email":"","verified":false,"enabled":false,"#,
    r#""createdOn":1495665332589,"lastModified":1495665332589,"tenant":"corp","roles":[],"#,
    r#""attributes":{},"id":"60a000000000000000000002"}"#
);

/// The seed file with all of the above.
pub fn seed() -> Value {
    let mut seed = fixture::seed();
    let tokens = seed["accesstoken"].as_array_mut().expect("a list");
    tokens.extend([
        token(READER, "shop", json!(["MANAGE_PROFILES", "READ_TENANT"])),
        token(PROFILES_ONLY, "tests", json!(["MANAGE_PROFILES"])),
        token(TENANT_ONLY, "tests", json!(["READ_TENANT"])),
        token(NOTHING, "tests", json!([])),
    ]);
    let tenants = seed["tenant"].as_array_mut().expect("a list");
    tenants.extend([
        json!({"name": "corp", "attributeDefinitions": [
            definition("name", json!([["*", "*"]])),
            definition("age", json!([["tests", "READ_ATTRIBUTE"]])),
            definition("score", json!([["*", "READ_ATTRIBUTE", "WRITE_ATTRIBUTE"]])),
            definition("tree", json!([["shop", "WRITE_ATTRIBUTE"], ["*", "*"]])),
            definition("secret", json!([["tests"], ["*", "*"]])),
            definition("hidden", json!([])),
        ]}),
        json!({"name": "other"}),
    ]);
    let profiles = seed["profile"].as_array_mut().expect("a list");
    profiles.extend([
        json!({
            "_id": ANNA, "username": "anna", "email": "anna@example.com", "verified": true, "enabled": true,
            "createdOn": 1_000, "lastModified": 2_000, "tenant": "corp", "roles": ["USER", "ADMIN"],
            "attributes": {
                "age": 44, "name": "Anna \"A\" Zö", "score": 1.0, "secret": "s", "hidden": "h", "undefined": "u",
                "tree": {"h": {"i": 1, "j": 2}, "list": [{"k": 1, "l": 2}, 3, {"l": 4}]},
            },
        }),
        json!({"_id": BEN, "username": "ben", "enabled": false, "tenant": "corp"}),
        json!({
            "_id": CARL, "username": "carl", "enabled": true, "tenant": "corp", "roles": ["USER"],
            "attributes": {"name": "Carl", "age": 7},
        }),
        json!({
            "_id": DORA, "username": "dora", "enabled": true, "tenant": "other", "roles": ["USER"],
            "attributes": {"name": "Dora"},
        }),
    ]);
    seed
}

/// A server with this seed file.
pub fn server() -> Server {
    Setup::new().seed(seed()).start()
}

/// GET of an endpoint with an access token and these parameters.
pub fn get(server: &Server, token: &str, path: &str, parameters: &[(&str, &str)]) -> Response {
    let client: Client = server.client();
    let query = encode(&[&[("accessTokenId", token)], parameters].concat());
    client.get(&format!("{PROFILES}/{path}?{query}"))
}

/// GET of an endpoint that takes a query, for the profiles of the tenant `corp`.
pub fn ask(server: &Server, token: &str, path: &str, query: &str) -> Response {
    let parameters = [("tenantName", "corp"), ("query", query)];
    get(server, token, path, &parameters)
}

/// Asserts that a response is 200 with exactly this JSON.
#[track_caller]
pub fn assert_json(response: &Response, json: &str) {
    assert_eq!((response.status, response.body.as_str()), (200, json));
    let content_type = response.header("content-type");
    assert_eq!(content_type, "application/json;charset=UTF-8");
    assert_eq!(response.header("cache-control"), "no-store");
}

/// Asserts that a response is a list of the profiles with these ids, in this order.
#[track_caller]
pub fn assert_ids(response: &Response, ids: &[&str]) {
    assert_eq!(response.status, 200, "{response:?}");
    let list: Value = serde_json::from_str(&response.body).expect("JSON");
    let list = list.as_array().expect("a list");
    let found: Vec<_> = list.iter().map(|profile| &profile["id"]).collect();
    assert_eq!(found, ids);
}

fn token(id: &str, application: &str, actions: Value) -> Value {
    json!({
        "_id": id, "application": application,
        "tenantPermissions": [{"tenant": "corp", "allowedActions": actions}],
    })
}

/// A definition; each of its permissions is a list of an application and the allowed actions.
fn definition(name: &str, permissions: Value) -> Value {
    let permissions: Vec<_> = permissions
        .as_array()
        .expect("a list of permissions")
        .iter()
        .map(|permission| {
            let texts = permission
                .as_array()
                .expect("an application and its actions");
            json!({"application": texts[0], "allowedActions": texts[1..]})
        })
        .collect();
    json!({"name": name, "permissions": permissions})
}
