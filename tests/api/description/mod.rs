//! The description of the API is true: it has every route and no other, its examples are what the server answers, and
//! the page shows all of it.

mod errors;
mod examples;
mod guide;
mod json_schema;
mod page;
mod routes;
mod schemathesis;
mod served;

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// The description.
const OPENAPI: &str = include_str!("../../../src/http/description/openapi.json");

/// One call of the description.
#[derive(Debug)]
struct Call {
    /// The method, in upper case.
    method: String,
    /// The path, with names of its parameters in braces.
    path: String,
    /// The operation.
    operation: Value,
}

impl Call {
    fn id(&self) -> &str {
        self.operation["operationId"].as_str().expect("an id")
    }
}

fn description() -> Value {
    serde_json::from_str(OPENAPI).expect("the description is JSON")
}

/// The calls of the description.
fn calls() -> Vec<Call> {
    let description = description();
    let paths = description["paths"].as_object().expect("an object");
    let mut calls = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("an object") {
            calls.push(Call {
                method: method.to_uppercase(),
                path: path.clone(),
                operation: operation.clone(),
            });
        }
    }
    calls
}

/// What a value of the description is, or refers to.
fn resolve<'d>(description: &'d Value, value: &'d Value) -> &'d Value {
    let Some(reference) = value.get("$ref") else {
        return value;
    };
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    let target = pointer.and_then(|pointer| description.pointer(pointer));
    target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// The text at this path of the description, whose members are in the order in which they are written.
fn written(path: &[&str]) -> String {
    let mut text = OPENAPI;
    for name in path {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("an object");
        text = members
            .get(*name)
            .unwrap_or_else(|| panic!("{path:?}: there is no {name}"))
            .get();
    }
    text.to_owned()
}
