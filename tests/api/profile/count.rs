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
fn the_profiles_of_a_tenant_end_with_it() {
    let server = server();
    let client = server.client();
    let count = || get(&server, ADMIN, "count", &[("tenantName", "corp")]).body;
    let tenant = format!("/crafter-profile/api/1/tenant/corp/delete?accessTokenId={ADMIN}");
    client.post(&tenant, "").assert_empty();
    assert_eq!(count(), "0");
    let target = format!("/crafter-profile/api/1/tenant/create?accessTokenId={ADMIN}");
    let json = [("content-type", "application/json")];
    let created = client.send("POST", &target, &json, Some(br#"{"name":"corp"}"#));
    assert_eq!(created.status, 200, "{created:?}");
    assert_eq!(count(), "0");
    let form = [
        ("tenantName", "corp"),
        ("username", "anna"),
        ("createProfile", "true"),
    ];
    client.post_with("create", &form).login();
    assert_eq!(count(), "1");
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
