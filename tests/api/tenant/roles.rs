//! Adding roles to a tenant, and removing them.

use serde_json::json;

use crate::tenant::support::{
    ADMIN, ANNA, BEN, CORP, DORA, assert_state, get, post, server, tenant,
};
use crate::tenant::update::assert_update_is_checked;

#[test]
fn added_roles_come_after_the_others() {
    let server = server();
    let form = [("role", "EDITOR, USER ,EDITOR")];
    let changed = tenant(&post(&server, CORP, "corp/roles/add", &form));
    assert_eq!(
        changed["availableRoles"],
        json!(["USER", "ADMIN", "EDITOR"])
    );
    let form = [("role", "A,B"), ("role", " C ")];
    let changed = post(&server, CORP, "corp/roles/add", &form);
    let roles = json!(["USER", "ADMIN", "EDITOR", "A,B", " C "]);
    assert_eq!(tenant(&changed)["availableRoles"], roles);
    assert_eq!(get(&server, CORP, "corp").body, changed.body);
    // No profile gets them.
    assert_state(&server, BEN, None, None);
    let unchanged = post(&server, CORP, "corp/roles/add", &[("role", "")]);
    assert_eq!(unchanged.body, changed.body);
}

#[test]
fn removed_roles_are_taken_from_the_profiles() {
    let server = server();
    let changed = post(
        &server,
        CORP,
        "corp/roles/remove",
        &[("role", "USER"), ("role", "NONE")],
    );
    assert_eq!(tenant(&changed)["availableRoles"], json!(["ADMIN"]));
    let attributes = Some(json!({"city": "Bern", "age": 44}));
    assert_state(&server, ANNA, Some(&["ADMIN"]), attributes.clone());
    assert_state(&server, BEN, None, None);
    assert_state(&server, DORA, Some(&["USER", "ADMIN"]), attributes.clone());
    // Also where the tenant lacks it.
    post(&server, ADMIN, "other/roles/remove", &[("role", "ADMIN")]);
    assert_state(&server, DORA, Some(&["USER"]), attributes.clone());
    post(&server, ADMIN, "corp/roles/remove", &[("role", "ADMIN")]);
    assert_state(&server, ANNA, Some(&[]), attributes);
}

#[test]
fn roles_are_required_and_bounded() {
    let server = server();
    let message =
        "Required request parameter 'role' for method parameter type Collection is not present";
    for path in ["corp/roles/add", "corp/roles/remove"] {
        post(&server, ADMIN, path, &[]).assert_error(400, "OTHER", message);
    }
    let long = "x".repeat(257);
    let refused = post(&server, ADMIN, "corp/roles/add", &[("role", &long)]);
    let message = "The tenant is invalid: a name in it is longer than 256 bytes";
    refused.assert_error(400, "OTHER", message);
    let many: Vec<_> = (0..999).map(|number| number.to_string()).collect();
    let refused = post(
        &server,
        ADMIN,
        "corp/roles/add",
        &[("role", &many.join(","))],
    );
    let message = "The tenant is invalid: it would have more than 1000 roles";
    refused.assert_error(400, "OTHER", message);
}

#[test]
fn who_may() {
    let server = server();
    for action in ["add", "remove"] {
        assert_update_is_checked(|token, name| {
            post(
                &server,
                token,
                &format!("{name}/roles/{action}"),
                &[("role", "ADMIN")],
            )
        });
    }
    // Nothing that was refused did anything.
    let roles = tenant(&get(&server, ADMIN, "corp"))["availableRoles"].clone();
    assert_eq!(roles, json!(["USER"]));
}
