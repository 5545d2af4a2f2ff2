//! Reading a tenant.

use crate::tenant::support::{
    ADMIN, CORP_JSON, NOTHING, READ_ALL, READER, UPDATER, assert_no_such_tenant, get, post_json,
    server,
};

#[test]
fn a_tenant_has_these_fields_in_this_order() {
    let server = server();
    for token in [ADMIN, READER, READ_ALL] {
        for path in ["corp", "corp.json", "corp/", "co%72p;x=y"] {
            let response = get(&server, token, path);
            assert_eq!((response.status, response.body.as_str()), (200, CORP_JSON));
        }
    }
}

#[test]
fn the_permission_comes_before_the_tenant() {
    let server = server();
    for token in [NOTHING, UPDATER] {
        get(&server, token, "corp").assert_denied("READ_TENANT", "corp");
        get(&server, token, "none").assert_denied("READ_TENANT", "none");
    }
    get(&server, READER, "other").assert_denied("READ_TENANT", "other");
    assert_no_such_tenant(&get(&server, ADMIN, "none"), "none");
    let message = "Access token ID param missing from request";
    get(&server, "", "none").assert_error(403, "ACCESS_DENIED", message);
}

#[test]
fn names_may_have_dots_and_what_is_the_name_of_an_endpoint() {
    let server = server();
    for (path, name) in [
        ("acme.com", "acme.com"),
        ("acme.com.json", "acme.com"),
        ("b%20%C3%BC%3F", "b ü?"),
        ("create", "create"),
        ("update", "update"),
    ] {
        if name != "acme.com" {
            let created = post_json(&server, ADMIN, "create", &serde_json::json!({"name": name}));
            assert_eq!(created.status, 200, "{created:?}");
        }
        let found: serde_json::Value =
            serde_json::from_str(&get(&server, ADMIN, path).body).expect("it is JSON");
        assert_eq!(found["name"], name);
    }
    // It can exist and cannot be named in a path.
    let slash = post_json(
        &server,
        ADMIN,
        "create",
        &serde_json::json!({"name": "a/b"}),
    );
    assert_eq!(slash.status, 200);
    get(&server, ADMIN, "a%2Fb").assert_other_error(400);
}
