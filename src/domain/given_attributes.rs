//! The attributes that a request sets, from the JSON of the client to what is stored (wire contract, "Profiles,
//! attributes, tenants").

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::domain::attributes::Attributes;
use crate::domain::cleansing::cleanse;
use crate::domain::tenant::Tenant;

/// The digits of the greatest integers of 64 bits. With fewer an integer fits.
const LONG_DIGITS: usize = 19;

/// Attributes that are to be set, by name.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct GivenAttributes(Map<String, Value>);

impl GivenAttributes {
    /// The attributes in `json`, which is one object. Integers of more than 64 bits become texts. `None` if it is
    /// anything else.
    pub fn parse(json: &str) -> Option<Self> {
        let json = quote_long_integers(json)?;
        serde_json::from_str(&json).ok().map(Self)
    }

    /// The default values of the attributes of a tenant, of those that have one.
    pub fn defaults(tenant: &Tenant) -> Self {
        let mut defaults = Self::default();
        defaults.add_defaults(tenant);
        defaults
    }

    /// Adds the default values of the tenant's attributes that are not given, or given as null.
    pub fn add_defaults(&mut self, tenant: &Tenant) {
        for (name, default) in tenant.default_values() {
            if self.0.get(name).is_none_or(Value::is_null) {
                self.0.insert(name.to_owned(), default.clone());
            }
        }
    }

    /// The names of the attributes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the attribute with this name is given.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets those in `attributes` to null that are given as null: what is stored is left, though the answer shows null.
    pub fn show_nulls(&self, attributes: &mut Option<Attributes>) {
        for (name, value) in &self.0 {
            if value.is_null() {
                attributes.get_or_insert_default().set(name, value);
            }
        }
    }

    /// Sets them in `attributes`, after cleansing. One that is null leaves what is there; a null within an object is
    /// not stored, one within a list is. Objects are replaced.
    pub fn store(&self, tenant: &Tenant, attributes: &mut Option<Attributes>) {
        let mut given = self.0.clone();
        cleanse(&mut given, tenant);
        for (name, mut value) in given {
            if value.is_null() {
                continue;
            }
            drop_nulls(&mut value);
            attributes.get_or_insert_default().set(&name, &value);
        }
    }
}

/// Removes the fields that are null from `value` and the objects in it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `json` with quotes around the integers of more than 64 bits: read as numbers, they would lose digits. `None` if it
/// is no JSON; where there are no such integers, that is not examined.
fn quote_long_integers(json: &str) -> Option<Cow<'_, str>> {
    let bytes = json.as_bytes();
    let mut quoted = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_text(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_number_char = |byte: &u8| b"+-.eE".contains(byte) || byte.is_ascii_digit();
                let length = bytes[at..]
                    .iter()
                    .take_while(|byte| is_number_char(byte))
                    .count();
                let number = &json[at..at + length];
                if is_long_integer(number) {
                    if copied == 0 {
                        // In what is no JSON quotes could make a number what it may not be, as the name of a field.
                        serde_json::from_str::<IgnoredAny>(json).ok()?;
                    }
                    quoted.push_str(&json[copied..at]);
                    quoted.extend(["\"", number, "\""]);
                    copied = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Some(Cow::Borrowed(json));
    }
    quoted.push_str(&json[copied..]);
    Some(Cow::Owned(quoted))
}

/// Where what follows the text begins that begins at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn is_long_integer(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.len() >= LONG_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::object_id::ObjectId;
    use crate::domain::tenant::{AttributeDefinition, TenantName};

    fn tenant(defaults: &[(&str, Value)]) -> Tenant {
        let definition = |(name, default): &(&str, Value)| AttributeDefinition {
            permissions: Vec::new(),
            name: (*name).to_owned(),
            metadata: json!({"type": "TEXT"}).as_object().cloned(),
            default_value: Some(default.clone()),
        };
        Tenant {
            id: ObjectId::from_bytes([7; 12]),
            name: TenantName::new("acme").expect("not empty"),
            verify_new_profiles: false,
            available_roles: Vec::new(),
            sso_enabled: false,
            attribute_definitions: defaults.iter().map(definition).collect(),
            cleanse_attributes: true,
        }
    }

    fn given(json: &str) -> GivenAttributes {
        GivenAttributes::parse(json).expect("an object")
    }

    #[test]
    fn attributes_are_one_strict_json_object() {
        for json in [
            "",
            "null",
            "[]",
            "1",
            "\"x\"",
            "{",
            "{'a':1}",
            "{\"a\":1,}",
            "{/**/}",
            "{}{}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":1e999}",
            "{99999999999999999999:1}",
            "{\"a\":99999999999999999999",
            "{\"a\":\"\\",
        ] {
            assert_eq!(GivenAttributes::parse(json), None, "{json}");
        }
        let nested = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(GivenAttributes::parse(&nested), None);
        assert_eq!(given(" {} "), GivenAttributes::default());
        // The last of a repeated key wins.
        assert_eq!(given(r#"{"a":1,"a":2}"#), given(r#"{"a":2}"#));
    }

    #[test]
    fn integers_of_more_than_64_bits_become_texts() {
        for (number, expected) in [
            ("9223372036854775807", json!(i64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("9223372036854775808", json!("9223372036854775808")),
            ("-9223372036854775809", json!("-9223372036854775809")),
            ("1.0", json!(1.0)),
            ("1000000000000000000000.0", json!(1e21)),
            ("1e30", json!(1e30)),
            (
                "[1,{\"b\":99999999999999999999}]",
                json!([1, {"b": "99999999999999999999"}]),
            ),
            (
                r#""\"99999999999999999999""#,
                json!("\"99999999999999999999"),
            ),
        ] {
            let GivenAttributes(map) = given(&format!("{{\"a\":{number}}}"));
            assert_eq!(map["a"], expected);
        }
        assert_eq!(json!(1.0).to_string(), "1.0");
    }

    #[test]
    fn nulls_leave_what_is_stored_and_objects_are_replaced() {
        let mut attributes = None;
        let tenant = tenant(&[]);
        given(r#"{"n":null}"#).store(&tenant, &mut attributes);
        assert_eq!(attributes, None);
        given(r#"{"a":1,"b":{"c":{"d":null},"e":[null,{"f":null}]}}"#)
            .store(&tenant, &mut attributes);
        let change = given(r#"{"a":null,"g":true}"#);
        change.store(&tenant, &mut attributes);
        let mut shown = attributes.clone();
        change.show_nulls(&mut shown);
        assert_eq!(shown.expect("some were set").get("a"), Some("null"));
        let stored = attributes.clone().expect("some were set");
        let stored: Vec<_> = stored.iter().collect();
        assert_eq!(
            stored,
            [
                ("a", "1"),
                ("b", r#"{"c":{},"e":[null,{}]}"#),
                ("g", "true")
            ]
        );
        given(r#"{"b":{"x":1}}"#).store(&tenant, &mut attributes);
        assert_eq!(
            attributes.expect("some are set").get("b"),
            Some(r#"{"x":1}"#)
        );
    }

    #[test]
    fn defaults_are_of_what_is_not_given_and_are_cleansed() {
        let tenant = tenant(&[
            ("a", json!("<")),
            ("b", json!(2)),
            ("c", json!(null)),
            ("d", json!("x")),
        ]);
        let mut attributes = given(r#"{"a":null,"b":"&"}"#);
        attributes.add_defaults(&tenant);
        assert_eq!(attributes, given(r#"{"a":"<","b":"&","d":"x"}"#));
        let mut stored = None;
        attributes.store(&tenant, &mut stored);
        let stored = stored.expect("some were set");
        let stored: Vec<_> = stored.iter().collect();
        assert_eq!(
            stored,
            [("a", r#""&lt;""#), ("b", r#""&amp;""#), ("d", r#""x""#)]
        );
        assert_eq!(
            GivenAttributes::defaults(&tenant),
            given(r#"{"a":"<","b":2,"d":"x"}"#)
        );
    }
}
