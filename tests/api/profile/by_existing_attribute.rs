//! Listing the profiles of a tenant that have an attribute.

use crate::profile::seed::{
    ADMIN, ANNA, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, assert_ids,
    assert_json, get, server,
};

#[test]
fn the_profiles_that_have_the_attribute_are_listed() {
    let server = server();
    let list = |token, name, more: &[_]| {
        let parameters = [&[("tenantName", "corp"), ("attributeName", name)], more].concat();
        get(&server, token, "by_existing_attribute", &parameters)
    };
    assert_ids(&list(ADMIN, "age", &[]), &[ANNA, CARL]);
    assert_ids(
        &list(
            ADMIN,
            "age",
            &[("sortBy", "attributes.age"), ("sortOrder", "ASC")],
        ),
        &[CARL, ANNA],
    );
    for name in ["tree", "tree.h", "tree.h.i", "tree.list.l"] {
        assert_ids(&list(ADMIN, name, &[]), &[ANNA]);
    }
    // Also one that the caller may not read.
    assert_ids(&list(ADMIN, "secret", &[]), &[ANNA]);
    for name in ["", "Age", "age.x", "tree.x", "tree.h.i.x", "tree."] {
        assert_json(&list(ADMIN, name, &[]), "[]");
    }
    list(NOTHING, "none", &[]).assert_denied(MANAGE_PROFILES, "corp");
    assert_json(&list(PROFILES_ONLY, "none", &[]), "[]");
    list(PROFILES_ONLY, "age", &[]).assert_denied(READ_TENANT, "corp");
}

#[test]
fn the_name_is_required() {
    let server = server();
    let message = "Required request parameter 'attributeName' for method parameter type String is not present";
    let response = get(
        &server,
        ADMIN,
        "by_existing_attribute",
        &[("tenantName", "corp")],
    );
    response.assert_error(400, "OTHER", message);
}
