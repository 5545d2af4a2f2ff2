//! Whether the new profiles of a tenant are verified.

use crate::tenant::support::{ADMIN, CORP, CORP_JSON, assert_no_such_tenant, get, post, server};
use crate::tenant::update::assert_update_is_checked;

#[test]
fn it_is_switched() {
    let server = server();
    let expected = CORP_JSON.replace("NewProfiles\":false", "NewProfiles\":true");
    for value in ["true", " ON ", "1"] {
        let changed = post(
            &server,
            CORP,
            "corp/verify_new_profiles",
            &[("verify", value)],
        );
        assert_eq!(
            (changed.status, changed.body.as_str()),
            (200, expected.as_str())
        );
    }
    assert_eq!(get(&server, CORP, "corp").body, expected);
    let changed = post(
        &server,
        CORP,
        "corp/verify_new_profiles",
        &[("verify", "no")],
    );
    assert_eq!(changed.body, CORP_JSON);
}

#[test]
fn the_parameter_is_required() {
    let server = server();
    let message =
        "Required request parameter 'verify' for method parameter type boolean is not present";
    let missing = post(&server, ADMIN, "corp/verify_new_profiles", &[]);
    missing.assert_error(400, "OTHER", message);
    for value in ["", "maybe"] {
        let refused = post(
            &server,
            ADMIN,
            "corp/verify_new_profiles",
            &[("verify", value)],
        );
        refused.assert_bad_parameter("verify");
    }
}

#[test]
fn who_may() {
    let server = server();
    let verify = |token: &str, name: &str| {
        post(
            &server,
            token,
            &format!("{name}/verify_new_profiles"),
            &[("verify", "true")],
        )
    };
    assert_update_is_checked(verify);
    assert_no_such_tenant(&verify(ADMIN, "none"), "none");
}
