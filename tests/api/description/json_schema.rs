//! The part of JSON Schema that the description uses.

use serde_json::Value;

use super::resolve;

/// The keywords that say nothing about what is valid here.
const ANNOTATIONS: [&str; 7] = [
    "description",
    "default",
    "contentMediaType",
    "maxLength",
    "pattern",
    "example",
    "title",
];

/// Asserts that `value` is what `schema` of the description says.
#[track_caller]
pub fn assert_valid(description: &Value, schema: &Value, value: &Value, name: &str) {
    if let Err(problem) = check(description, schema, value, name) {
        panic!("{problem} in {value}");
    }
}

fn check(description: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolve(description, schema);
    let refuse = |what: &str| Err(format!("{at}: {what}"));
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "type" if !types(rule).any(|name| has_type(value, name)) => {
                return refuse(&format!("it is not {rule}"));
            }
            "const" if rule != value => return refuse(&format!("it is not {rule}")),
            "enum" if !rule.as_array().expect("a list").contains(value) => {
                return refuse(&format!("it is not one of {rule}"));
            }
            "anyOf" => {
                let mut rules = rule.as_array().expect("a list").iter();
                if !rules.any(|rule| check(description, rule, value, at).is_ok()) {
                    return refuse(&format!("it is none of {rule}"));
                }
            }
            "required" => {
                let mut names = rule.as_array().expect("a list").iter();
                let is_missing =
                    |name: &&Value| value.get(name.as_str().expect("a name")).is_none();
                if let (true, Some(name)) = (value.is_object(), names.find(is_missing)) {
                    return refuse(&format!("{name} is missing"));
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().expect("an object") {
                    if let Some(value) = value.get(name) {
                        check(description, rule, value, &format!("{at}.{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(rule, false, "only what is closed is known here");
                let known = schema["properties"].as_object().expect("an object");
                let mut names = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name);
                if let Some(name) = names.find(|name| !known.contains_key(*name)) {
                    return refuse(&format!("{name} is unknown"));
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    check(description, rule, item, &format!("{at}[]"))?;
                }
            }
            "format" => {
                let length = value.as_str().map(str::len);
                let is_valid = match rule.as_str() {
                    Some("uuid") => length.is_none_or(|length| length == 36),
                    Some("date-time") => value.as_str().is_none_or(|text| text.ends_with('Z')),
                    Some("int32" | "int64" | "binary") => true,
                    _ => panic!("the format {rule} is not known here"),
                };
                if !is_valid {
                    return refuse(&format!("it is no {rule}"));
                }
            }
            "minLength" if value.as_str() == Some("") => return refuse("it is empty"),
            "minimum" if value.as_f64() < rule.as_f64() => return refuse("it is too low"),
            "maximum" if value.as_f64() > rule.as_f64() => return refuse("it is too high"),
            "type" | "const" | "enum" | "minLength" | "minimum" | "maximum" => {}
            other => assert!(ANNOTATIONS.contains(&other), "{other} is not known here"),
        }
    }
    Ok(())
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let list = rule.as_array().into_iter().flatten();
    list.chain(rule.is_string().then_some(rule))
        .map(|name| name.as_str().expect("a name"))
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => panic!("the type {name} is not known here"),
    }
}
