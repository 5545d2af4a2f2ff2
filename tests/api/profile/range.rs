//! Listing the profiles of a tenant.

use serde_json::json;

use crate::profile::seed::{
    ADMIN, ANNA, BEN, BEN_JSON, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER,
    assert_ids, assert_json, get, seed, server,
};
use crate::support::client::Response;
use crate::support::server::{Server, Setup};

fn range(server: &Server, token: &str, more: &[(&str, &str)]) -> Response {
    let parameters = [&[("tenantName", "corp")], more].concat();
    get(server, token, "range", &parameters)
}

#[test]
fn profiles_are_in_the_order_of_their_usernames() {
    let server = server();
    assert_ids(&range(&server, ADMIN, &[]), &[ANNA, BEN, CARL]);
    let carl = range(&server, ADMIN, &[("start", "1"), ("count", "1")]);
    assert_json(&carl, &format!("[{BEN_JSON}]"));
    for tenant in ["unknown", ""] {
        assert_json(
            &get(&server, ADMIN, "range", &[("tenantName", tenant)]),
            "[]",
        );
    }
    server.update_profile(ANNA, |profile| profile.username = "zoe".to_owned());
    assert_ids(&range(&server, ADMIN, &[]), &[BEN, CARL, ANNA]);
    server.delete_profile(CARL);
    assert_ids(&range(&server, ADMIN, &[]), &[BEN, ANNA]);
}

#[test]
fn a_range_has_a_start_and_a_count() {
    let server = server();
    for (start, count, expected) in [
        ("0", "2", &[ANNA, BEN][..]),
        ("1", "2", &[BEN, CARL]),
        ("2", "2", &[CARL]),
        ("3", "2", &[]),
        ("2147483647", "2147483647", &[]),
        // None, or less than none.
        ("0", "0", &[ANNA, BEN, CARL]),
        ("1", "", &[BEN, CARL]),
        ("0", "-2", &[ANNA, BEN]),
        ("-1", "1", &[ANNA]),
        ("-2147483648", "-2147483648", &[ANNA, BEN, CARL]),
        // As integers are.
        (" +1 ", "0x1", &[BEN]),
        ("01", "01", &[BEN]),
        // `count` is ignored without `start`.
        ("", "1", &[ANNA, BEN, CARL]),
    ] {
        let more = [("start", start), ("count", count)];
        assert_ids(&range(&server, ADMIN, &more), expected);
        let more = [
            ("start", start),
            ("count", count),
            ("sortBy", "username"),
            ("sortOrder", "ASC"),
        ];
        assert_ids(&range(&server, ADMIN, &more), expected);
    }
    assert_ids(
        &range(&server, ADMIN, &[("count", "1")]),
        &[ANNA, BEN, CARL],
    );
    for name in ["start", "count"] {
        for value in ["x", "1.5", "2147483648", "1,1"] {
            range(&server, ADMIN, &[(name, value)]).assert_bad_parameter(name);
        }
    }
}

#[test]
fn a_range_is_sorted_by_any_field() {
    let server = server();
    let sorted = |by, order| range(&server, ADMIN, &[("sortBy", by), ("sortOrder", order)]);
    for (by, ascending) in [
        ("username", [ANNA, BEN, CARL]),
        ("id", [ANNA, BEN, CARL]),
        ("_id", [ANNA, BEN, CARL]),
        ("email", [BEN, CARL, ANNA]),
        ("createdOn", [ANNA, BEN, CARL]),
        ("lastModified", [ANNA, BEN, CARL]),
        ("roles", [BEN, ANNA, CARL]),
        ("attributes.age", [BEN, CARL, ANNA]),
        ("attributes.name", [BEN, ANNA, CARL]),
        ("attributes.tree.h.i", [BEN, CARL, ANNA]),
        // An attribute that the caller may not read.
        ("attributes.secret", [BEN, CARL, ANNA]),
        ("verified", [BEN, CARL, ANNA]),
        ("enabled", [BEN, ANNA, CARL]),
        ("tenant", [ANNA, BEN, CARL]),
        ("unknown", [ANNA, BEN, CARL]),
    ] {
        assert_ids(&sorted(by, "ASC"), &ascending);
    }
    // Descending, unless it says otherwise; what is equal stays in the order of the usernames.
    for order in ["", "DESC", " DESC "] {
        assert_ids(&sorted("username", order), &[CARL, BEN, ANNA]);
    }
    assert_ids(
        &range(&server, ADMIN, &[("sortBy", "email")]),
        &[ANNA, BEN, CARL],
    );
    assert_ids(&sorted("", "ASC"), &[ANNA, BEN, CARL]);
    sorted("username", "asc").assert_bad_parameter("sortOrder");
    sorted("password", "ASC").assert_bad_parameter("sortBy");
    sorted("password.x", "ASC").assert_bad_parameter("sortBy");
    sorted("failedLoginAttempts", "ASC").assert_bad_parameter("sortBy");
}

#[test]
fn attributes_are_selected_and_filtered() {
    let server = server();
    let seen = |token, to_return| {
        let body = range(&server, token, &[("attributeToReturn", to_return)]).body;
        let profiles: serde_json::Value = serde_json::from_str(&body).expect("a list");
        let profiles = profiles.as_array().expect("a list").clone();
        let attributes = profiles.iter().map(|profile| profile["attributes"].clone());
        attributes.collect::<Vec<_>>()
    };
    let none = json!({});
    let expected = [
        json!({"age": 44, "tree": {}}),
        none.clone(),
        json!({"age": 7}),
    ];
    assert_eq!(seen(ADMIN, "age,tree.x,secret"), expected);
    let expected = [json!({"secret": "s"}), none.clone(), none.clone()];
    assert_eq!(seen(READER, "age,secret"), expected);
    assert_eq!(seen(ADMIN, "$none"), [none.clone(), none.clone(), none]);
}

#[test]
fn read_tenant_is_required_if_there_is_anything() {
    let server = server();
    range(&server, NOTHING, &[]).assert_denied(MANAGE_PROFILES, "corp");
    range(&server, PROFILES_ONLY, &[]).assert_denied(READ_TENANT, "corp");
    assert_json(&range(&server, PROFILES_ONLY, &[("start", "3")]), "[]");
    assert_ids(&range(&server, READER, &[]), &[ANNA, BEN, CARL]);
    let unknown = [("tenantName", "unknown")];
    get(&server, READER, "range", &unknown).assert_denied(MANAGE_PROFILES, "unknown");
    let message =
        "Required request parameter 'tenantName' for method parameter type String is not present";
    get(&server, ADMIN, "range", &[]).assert_error(400, "OTHER", message);
}

#[test]
fn more_profiles_than_the_limit_are_not_looked_at() {
    let setup = Setup::new().seed(seed()).flag("--list-examined-max=2");
    let server = setup.start();
    let first = [("start", "0"), ("count", "2")];
    assert_ids(&range(&server, ADMIN, &first), &[ANNA, BEN]);
    let message = "The tenant has more than 2 profiles to be looked at for this request";
    for more in [
        &[][..],
        &[("start", "2")],
        &[("start", "0"), ("count", "1"), ("sortBy", "id")],
    ] {
        range(&server, ADMIN, more).assert_error(400, "OTHER", message);
    }
}
