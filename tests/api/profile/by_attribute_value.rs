//! Listing the profiles of a tenant whose attribute has a value.

use rememberd::testing::Attributes;
use serde_json::json;

use crate::profile::seed::{
    ADMIN, ANNA, BEN, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, assert_ids,
    assert_json, get, server,
};

#[test]
fn the_profiles_whose_attribute_is_the_text_are_listed() {
    let server = server();
    server.update_profile(BEN, |profile| {
        let attributes =
            json!({"name": ["Ben", "Carl"], "tree": [{"x": "y"}, {"x": ["z"]}], "age": "7"});
        profile.attributes = attributes.as_object().map(Attributes::from);
    });
    let list = |token, name, value| {
        let parameters = [
            ("tenantName", "corp"),
            ("attributeName", name),
            ("attributeValue", value),
        ];
        get(&server, token, "by_attribute_value", &parameters)
    };
    assert_ids(&list(ADMIN, "name", "Anna \"A\" Zö"), &[ANNA]);
    assert_ids(&list(ADMIN, "name", "Carl"), &[BEN, CARL]);
    assert_ids(&list(ADMIN, "secret", "s"), &[ANNA]);
    for value in ["y", "z"] {
        assert_ids(&list(ADMIN, "tree.x", value), &[BEN]);
    }
    // Only texts are compared.
    assert_ids(&list(ADMIN, "age", "7"), &[BEN]);
    for (name, value) in [
        ("name", "carl"),
        ("name", ""),
        ("score", "1.0"),
        ("tree.h.i", "1"),
        ("", "x"),
    ] {
        assert_json(&list(ADMIN, name, value), "[]");
    }
    list(NOTHING, "name", "none").assert_denied(MANAGE_PROFILES, "corp");
    assert_json(&list(PROFILES_ONLY, "name", "none"), "[]");
    list(PROFILES_ONLY, "name", "Carl").assert_denied(READ_TENANT, "corp");
}

#[test]
fn name_and_value_are_required() {
    let server = server();
    let parameters = [
        ("tenantName", "corp"),
        ("attributeName", "name"),
        ("attributeValue", "x"),
    ];
    for missing in ["attributeName", "attributeValue"] {
        let left: Vec<_> = parameters
            .iter()
            .copied()
            .filter(|(name, _)| *name != missing)
            .collect();
        let message = format!(
            "Required request parameter '{missing}' for method parameter type String is not present"
        );
        let response = get(&server, ADMIN, "by_attribute_value", &left);
        response.assert_error(400, "OTHER", &message);
    }
}
