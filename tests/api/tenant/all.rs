//! Listing and counting tenants.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::tenant::support::{
    ADMIN, CORP, CORP_JSON, NOTHING, READ_ALL, READER, assert_globally_denied, get, post,
    post_json, server,
};

fn names(server: &Server) -> Vec<String> {
    let body = get(server, READ_ALL, "all").body;
    let tenants: Vec<Value> = serde_json::from_str(&body).expect("a list");
    let name = |tenant: &Value| tenant["name"].as_str().expect("a name").to_owned();
    tenants.iter().map(name).collect()
}

#[test]
fn all_are_listed_in_the_order_of_their_creation() {
    let server = server();
    assert_eq!(names(&server), ["default", "acme.com", "corp", "other"]);
    assert!(get(&server, ADMIN, "all").body.contains(CORP_JSON));
    for name in ["zeta", "alpha"] {
        post_json(&server, ADMIN, "create", &json!({"name": name}));
    }
    // A change leaves a tenant at its place, and one that is created again comes last.
    post(&server, ADMIN, "default/roles/add", &[("role", "X")]);
    post(&server, ADMIN, "corp/delete", &[]).assert_empty();
    post_json(&server, ADMIN, "create", &json!({"name": "corp"}));
    let expected = ["default", "acme.com", "other", "zeta", "alpha", "corp"];
    assert_eq!(names(&server), expected);
    assert_eq!(get(&server, READ_ALL, "count").body, "6");
}

#[test]
fn a_list_of_many_is_whole() {
    let server = server();
    let roles: Vec<_> = (0..500).map(|number| format!("ROLE_{number}")).collect();
    for number in 0..12 {
        let tenant = json!({"name": format!("many-{number}"), "availableRoles": roles});
        assert_eq!(post_json(&server, ADMIN, "create", &tenant).status, 200);
    }
    assert_eq!(names(&server).len(), 16);
}

#[test]
fn an_empty_list_is_one() {
    let server = server();
    for name in ["default", "acme.com", "corp", "other"] {
        post(&server, ADMIN, &format!("{name}/delete"), &[]).assert_empty();
    }
    assert_eq!(get(&server, ADMIN, "all").body, "[]");
    assert_eq!(get(&server, ADMIN, "count").body, "0");
}

#[test]
fn both_require_read_tenant_on_all_tenants() {
    let server = server();
    for path in ["all", "count"] {
        for token in [NOTHING, READER, CORP] {
            assert_globally_denied(&get(&server, token, path), "READ_TENANT");
        }
        assert_eq!(get(&server, READ_ALL, path).status, 200);
        let message = "Access token ID param missing from request";
        get(&server, "", path).assert_error(403, "ACCESS_DENIED", message);
        let message = "Request method 'POST' not supported";
        let refused = post(&server, ADMIN, path, &[]);
        refused.assert_error(405, "OTHER", message);
        assert_eq!(refused.header("allow"), "GET,HEAD,OPTIONS");
    }
}
