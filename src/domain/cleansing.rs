//! Cleansing: what would be markup in an attribute is escaped before it is stored, so that a page that shows the
//! attribute as it is runs no script of the profile's owner (wire contract, "Profiles, attributes, tenants").

mod entities;

use serde_json::{Map, Value};

use crate::domain::tenant::{AttributeDefinition, Tenant, definition};

/// The key of the metadata that has the type of an attribute.
const TYPE: &str = "type";

/// The types whose values are single texts.
const TEXT_TYPES: [&str; 2] = ["TEXT", "LARGE_TEXT"];

/// The type whose values are lists of texts.
const LIST_TYPE: &str = "STRING_LIST";

/// Cleanses those of `attributes` whose definition says that they are texts, unless the tenant does not want it.
/// Numbers and booleans become texts where a single text is expected. What is escaped is escaped again.
pub fn cleanse(attributes: &mut Map<String, Value>, tenant: &Tenant) {
    if !tenant.cleanse_attributes {
        return;
    }
    for (name, value) in attributes {
        let Some(definition) = definition(&tenant.attribute_definitions, name) else {
            continue;
        };
        let Some(kind) = text_type(definition) else {
            continue;
        };
        if TEXT_TYPES.contains(&kind)
            && let Value::Number(_) | Value::Bool(_) = value
        {
            *value = Value::String(value.to_string());
        }
        escape_texts(value);
    }
}

/// The type in the metadata of a definition, if its values are texts.
fn text_type(definition: &AttributeDefinition) -> Option<&str> {
    let kind = definition.metadata.as_ref()?.get(TYPE)?.as_str()?;
    (TEXT_TYPES.contains(&kind) || kind == LIST_TYPE).then_some(kind)
}

/// Escapes `value`, or all texts in it: nesting must be no way around the escaping. JSON that was accepted is nested a
/// bounded number of times.
fn escape_texts(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(escaped) = escape(text) {
                *text = escaped;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(escape_texts),
        Value::Object(fields) => fields.values_mut().for_each(escape_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `text` with every character that HTML 4 names replaced by its name; `None` if there is none.
fn escape(text: &str) -> Option<String> {
    let first = text.find(|char| entities::name(char).is_some())?;
    let mut escaped = String::with_capacity(text.len() + 16);
    escaped.push_str(&text[..first]);
    for char in text[first..].chars() {
        match entities::name(char) {
            Some(name) => {
                escaped.push('&');
                escaped.push_str(name);
                escaped.push(';');
            }
            None => escaped.push(char),
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::object_id::ObjectId;
    use crate::domain::tenant::TenantName;

    fn tenant(cleanse_attributes: bool) -> Tenant {
        let definition = |kind: Value| AttributeDefinition {
            permissions: Vec::new(),
            name: kind.as_str().unwrap_or("untyped").to_owned(),
            metadata: json!({ "type": kind }).as_object().cloned(),
            default_value: None,
        };
        let kinds = ["TEXT", "LARGE_TEXT", "STRING_LIST", "text", "COMPLEX"];
        let mut definitions: Vec<_> = kinds.map(|kind| definition(json!(kind))).into();
        definitions.push(definition(json!(7)));
        definitions.push(AttributeDefinition {
            name: "bare".to_owned(),
            metadata: None,
            ..definition(json!(null))
        });
        Tenant {
            id: ObjectId::from_bytes([7; 12]),
            name: TenantName::new("acme").expect("not empty"),
            verify_new_profiles: false,
            available_roles: Vec::new(),
            sso_enabled: false,
            attribute_definitions: definitions,
            cleanse_attributes,
        }
    }

    fn cleansed(attributes: Value, cleanse_attributes: bool) -> Value {
        let mut attributes = attributes.as_object().cloned().expect("an object");
        cleanse(&mut attributes, &tenant(cleanse_attributes));
        Value::Object(attributes)
    }

    #[test]
    fn the_characters_that_html_4_names_are_escaped() {
        for (text, expected) in [
            ("<b onclick=\"x\">&", "&lt;b onclick=&quot;x&quot;&gt;&amp;"),
            ("&amp;", "&amp;amp;"),
            ("it's", "it's"),
            (
                "Zoë £5 α→Ω €",
                "Zo&euml; &pound;5 &alpha;&rarr;&Omega; &euro;",
            ),
            ("a\u{A0}b\u{200D}c", "a&nbsp;b&zwj;c"),
            ("Жук 漢字 ž 🙂 \u{301}", "Жук 漢字 ž 🙂 \u{301}"),
            ("", ""),
        ] {
            let result = escape(text).unwrap_or_else(|| text.to_owned());
            assert_eq!(result, expected);
        }
    }

    #[test]
    fn only_texts_are_cleansed_and_only_if_the_tenant_wants_it() {
        let values = [
            "TEXT",
            "LARGE_TEXT",
            "STRING_LIST",
            "text",
            "COMPLEX",
            "untyped",
            "bare",
            "undefined",
        ];
        let all = |value: &str| -> Value {
            let pairs = values.iter().map(|name| ((*name).to_owned(), json!(value)));
            Value::Object(pairs.collect())
        };
        let mut expected = all("<");
        for name in ["TEXT", "LARGE_TEXT", "STRING_LIST"] {
            expected[name] = json!("&lt;");
        }
        assert_eq!(cleansed(all("<"), true), expected);
        assert_eq!(cleansed(all("<"), false), all("<"));
    }

    #[test]
    fn numbers_and_booleans_become_texts_where_a_text_is_expected() {
        for (value, expected) in [
            (json!(5), json!("5")),
            (json!(1.0), json!("1.0")),
            (json!(true), json!("true")),
            (json!(null), json!(null)),
            (json!(["<", 5, ["<"]]), json!(["&lt;", 5, ["&lt;"]])),
            (json!({"<": "<"}), json!({"<": "&lt;"})),
        ] {
            let result = cleansed(json!({"TEXT": value, "COMPLEX": value}), true);
            assert_eq!(result, json!({"TEXT": expected, "COMPLEX": value}));
        }
        let list = json!({"STRING_LIST": ["<", 5, true]});
        assert_eq!(
            cleansed(list, true),
            json!({"STRING_LIST": ["&lt;", 5, true]})
        );
    }
}
