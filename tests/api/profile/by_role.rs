//! Listing the profiles of a tenant that have a role.

use crate::profile::seed::{
    ADMIN, ANNA, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, assert_ids,
    assert_json, get, server,
};

#[test]
fn the_profiles_of_the_tenant_that_have_the_role_are_listed() {
    let server = server();
    let list = |token, role, more: &[_]| {
        let parameters = [&[("tenantName", "corp"), ("role", role)], more].concat();
        get(&server, token, "by_role", &parameters)
    };
    assert_ids(&list(ADMIN, "USER", &[]), &[ANNA, CARL]);
    assert_ids(
        &list(ADMIN, "USER", &[("sortBy", "username")]),
        &[CARL, ANNA],
    );
    assert_ids(
        &list(ADMIN, "USER", &[("start", "1"), ("count", "1")]),
        &[ANNA, CARL],
    );
    assert_ids(&list(ADMIN, "ADMIN", &[]), &[ANNA]);
    for role in ["user", "USE", "", "USER,ADMIN"] {
        assert_json(&list(ADMIN, role, &[]), "[]");
    }
    server.update_profile(CARL, |profile| profile.roles = None);
    assert_ids(&list(ADMIN, "USER", &[]), &[ANNA]);
    // READ_TENANT counts only if something is found.
    list(NOTHING, "NONE", &[]).assert_denied(MANAGE_PROFILES, "corp");
    assert_json(&list(PROFILES_ONLY, "NONE", &[]), "[]");
    list(PROFILES_ONLY, "USER", &[]).assert_denied(READ_TENANT, "corp");
}

#[test]
fn tenant_and_role_are_required() {
    let server = server();
    let missing = |name| {
        format!(
            "Required request parameter '{name}' for method parameter type String is not present"
        )
    };
    let response = get(&server, ADMIN, "by_role", &[("tenantName", "corp")]);
    response.assert_error(400, "OTHER", &missing("role"));
    let response = get(&server, ADMIN, "by_role", &[("role", "USER")]);
    response.assert_error(400, "OTHER", &missing("tenantName"));
}
