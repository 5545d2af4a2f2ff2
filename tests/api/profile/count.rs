//! Counting the profiles of a tenant.

use crate::profile::seed::{
    ADMIN, ANNA, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, assert_json, get, server,
};

#[test]
fn the_response_is_a_bare_number() {
    let server = server();
    for (tenant, count) in [("corp", "3"), ("other", "1"), ("unknown", "0"), ("", "0")] {
        let response = get(&server, ADMIN, "count", &[("tenantName", tenant)]);
        assert_json(&response, count);
    }
}

#[test]
fn what_is_created_and_deleted_is_counted() {
    let server = server();
    let count = || get(&server, ADMIN, "count", &[("tenantName", "corp")]).body;
    server.update_profile(ANNA, |profile| profile.enabled = false);
    server.update_profile(ANNA, |profile| profile.username = "anne".to_owned());
    assert_eq!(count(), "3");
    server.delete_profile(ANNA);
    assert_eq!(count(), "2");
    let form = [
        ("tenantName", "corp"),
        ("username", "new"),
        ("createProfile", "true"),
    ];
    server.client().post_with("create", &form).login();
    assert_eq!(count(), "3");
}

#[test]
fn counting_requires_manage_profiles_only() {
    let server = server();
    let count = |token| get(&server, token, "count", &[("tenantName", "corp")]);
    assert_json(&count(PROFILES_ONLY), "3");
    count(NOTHING).assert_denied(MANAGE_PROFILES, "corp");
    let message =
        "Required request parameter 'tenantName' for method parameter type String is not present";
    get(&server, ADMIN, "count", &[]).assert_error(400, "OTHER", message);
}
