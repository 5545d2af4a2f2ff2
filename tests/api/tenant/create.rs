//! Creating a tenant.

use serde_json::{Value, json};

use crate::tenant::support::{
    ADMIN, CORP, NOTHING, READ_ALL, TENANTS, assert_globally_denied, get, post_json, post_text,
    server, tenant,
};

/// The body without the id, which the server chooses.
fn without_id(body: &str) -> &str {
    let (start, id) = body.rsplit_once(r#","id":""#).expect("an id");
    let id = id.strip_suffix("\"}").expect("the end");
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    start
}

#[test]
fn what_is_absent_takes_its_default() {
    let server = server();
    let created = post_json(&server, ADMIN, "create", &json!({"name": "new"}));
    let expected = concat!(
        r#"{"name":"new","verifyNewProfiles":false,"availableRoles":[],"ssoEnabled":false,"#,
        r#""attributeDefinitions":[],"cleanseAttributes":true"#
    );
    assert_eq!((created.status, without_id(&created.body)), (200, expected));
    assert_eq!(get(&server, ADMIN, "new").body, created.body);
    let null = post_text(
        &server,
        ADMIN,
        "create",
        r#"{"name":"null","availableRoles":null,"attributeDefinitions":null,"id":null}"#,
    );
    assert_eq!(without_id(&null.body), expected.replace("new", "null"));
}

#[test]
fn everything_is_kept_but_the_id() {
    let server = server();
    let document = json!({
        "id": "anything", "name": "full", "verifyNewProfiles": true, "availableRoles": ["B", "A", "B", 7],
        "ssoEnabled": "true", "cleanseAttributes": 0,
        "attributeDefinitions": [
            {"name": "a.b", "permissions": [{"allowedActions": ["READ_ATTRIBUTE", "MADE_UP"]}],
             "metadata": {"x": [1, null]}, "defaultValue": {"y": 1.0}},
            {"name": "a.b", "defaultValue": "the second one does not count"},
            {"name": "plain"},
        ],
    });
    let created = post_json(&server, ADMIN, "create", &document);
    let expected = concat!(
        r#"{"name":"full","verifyNewProfiles":true,"availableRoles":["B","A","7"],"ssoEnabled":true,"#,
        r#""attributeDefinitions":[{"permissions":[{"allowedActions":["READ_ATTRIBUTE","MADE_UP"],"#,
        r#""application":"*"}],"name":"a.b","metadata":{"x":[1,null]},"defaultValue":{"y":1.0}},"#,
        r#"{"permissions":[],"name":"plain","metadata":null,"defaultValue":null}],"cleanseAttributes":false"#
    );
    assert_eq!((created.status, without_id(&created.body)), (200, expected));
    assert_eq!(get(&server, ADMIN, "full").body, created.body);
}

#[test]
fn a_name_that_is_taken_is_a_conflict() {
    let server = server();
    let refused = post_json(&server, ADMIN, "create", &json!({"name": "corp"}));
    refused.assert_error(409, "TENANT_EXISTS", "The tenant \"corp\" already exists");
    let other = post_json(&server, ADMIN, "create", &json!({"name": "Corp"}));
    assert_eq!(tenant(&other)["name"], "Corp");
}

#[test]
fn creating_requires_create_tenant_on_all_tenants() {
    let server = server();
    for token in [NOTHING, READ_ALL, CORP] {
        for name in ["corp", "new"] {
            let refused = post_json(&server, token, "create", &json!({"name": name}));
            assert_globally_denied(&refused, "CREATE_TENANT");
        }
    }
    let message = "Access token ID param missing from request";
    let refused = post_json(&server, "", "create", &json!({"name": 1, "x": 2}));
    refused.assert_error(403, "ACCESS_DENIED", message);
    assert_eq!(get(&server, ADMIN, "count").body, "4");
}

#[test]
fn what_is_no_tenant_is_refused() {
    let server = server();
    let long = "x".repeat(257);
    let many: Vec<_> = (0..1_001).map(|number| number.to_string()).collect();
    let definition = |name: &Value| json!({"name": "n", "attributeDefinitions": [{"name": name}]});
    for document in [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": " \t"}),
        json!({"name": long}),
        json!({"name": {}}),
        json!({"name": "n", "unknown": 1}),
        json!({"name": "n", "availableRoles": [long]}),
        json!({"name": "n", "availableRoles": many}),
        json!({"name": "n", "availableRoles": "x"}),
        json!({"name": "n", "verifyNewProfiles": "yes"}),
        json!({"name": "n", "attributeDefinitions": [{"name": "a", "metadata": []}]}),
        json!({"name": "n", "attributeDefinitions": [{"name": "a", "Name": "b"}]}),
        definition(&json!(null)),
        definition(&json!(" ")),
        definition(&json!(long)),
        json!([]),
    ] {
        let refused = post_json(&server, ADMIN, "create", &document);
        refused.assert_other_error(400);
    }
    for text in ["", "null", "{", r#"{"name":"n",}"#, r#"{'name':'n'}"#] {
        post_text(&server, ADMIN, "create", text).assert_other_error(400);
    }
    assert_eq!(get(&server, ADMIN, "count").body, "4");
}

#[test]
fn another_content_type_is_refused() {
    let server = server();
    let target = format!("{TENANTS}/create?accessTokenId={ADMIN}");
    let refused = server.client().post(&target, "name=n");
    let message = "Content type 'application/x-www-form-urlencoded' not supported";
    refused.assert_error(415, "OTHER", message);
}
