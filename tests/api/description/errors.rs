//! The errors of the description.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json_schema::assert_valid;
use super::{calls, description, resolve};

/// The codes that clients of the wire contract know ("Errors").
const CODES: [&str; 20] = [
    "ACCESS_TOKEN_EXISTS",
    "NO_SUCH_ACCESS_TOKEN_ID",
    "ACCESS_DENIED",
    "ACTION_DENIED",
    "NO_SUCH_TENANT",
    "BAD_CREDENTIALS",
    "DISABLED_PROFILE",
    "NO_SUCH_PROFILE",
    "NO_SUCH_TICKET",
    "NO_SUCH_PERSISTENT_LOGIN",
    "NO_SUCH_VERIFICATION_TOKEN",
    "INVALID_EMAIL_ADDRESS",
    "PERMISSION_ERROR",
    "ATTRIBUTE_ALREADY_DEFINED",
    "ATTRIBUTE_NOT_DEFINED",
    "PARAM_DESERIALIZATION_ERROR",
    "TENANT_EXISTS",
    "PROFILE_EXISTS",
    "INVALID_QUERY",
    "OTHER",
];

#[test]
fn each_error_has_a_code_that_clients_know_and_a_valid_example() {
    let description = description();
    let mut seen = 0;
    for call in calls() {
        for (status, response) in call.operation["responses"].as_object().expect("an object") {
            let name = format!("{} {status}", call.id());
            let response = resolve(&description, response);
            let content = &response["content"]["application/json"];
            let schema = resolve(&description, &content["schema"]);
            if status == "200" || schema["properties"].get("errorCode").is_none() {
                continue;
            }
            seen += 1;
            let code = &schema["properties"]["errorCode"];
            let codes = code["enum"].as_array().into_iter().flatten();
            for code in codes.chain(code.get("const")) {
                let code = code.as_str().expect("a text");
                assert!(CODES.contains(&code), "{name}: {code}");
            }
            let examples = content["examples"].as_object().into_iter().flatten();
            let examples: Vec<&Value> = examples
                .map(|(_, example)| &example["value"])
                .chain(content.get("example"))
                .collect();
            assert!(!examples.is_empty(), "{name}: there is no example");
            for example in examples {
                assert_valid(&description, schema, example, &name);
            }
        }
    }
    assert!(seen > calls().len(), "the errors were not found");
}

#[test]
fn nothing_is_described_that_no_call_refers_to() {
    let text = super::OPENAPI;
    let description = description();
    let mut unused = BTreeSet::new();
    for kind in ["parameters", "schemas", "responses"] {
        for name in description["components"][kind]
            .as_object()
            .expect("an object")
            .keys()
        {
            let reference = format!("\"#/components/{kind}/{name}\"");
            if !text.contains(&reference) {
                unused.insert(reference);
            }
        }
    }
    assert!(unused.is_empty(), "{unused:?}");
}
