//! JSON as text: its fields and items without parsing what they contain.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a JSON object, in their order.
///
/// # Errors
///
/// It is none.
pub fn object(json: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, serde_json::Error> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some((Name(name), value)) = map.next_entry()? {
                fields.push((name, value));
            }
            Ok(fields)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    let fields = deserializer.deserialize_map(Fields)?;
    deserializer.end()?;
    Ok(fields)
}

/// The items of a JSON array.
///
/// # Errors
///
/// It is none.
pub fn array(json: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_str(json)
}

/// The text that a JSON text is; `None` if it is another value.
pub fn text(json: &str) -> Option<Cow<'_, str>> {
    if !json.starts_with('"') {
        return None;
    }
    let parsed = serde_json::from_str::<Name<'_>>(json);
    parsed.ok().map(|Name(text)| text)
}

/// Calls `visit` with every value at the path `parts` below a value, until it returns true. A part is looked for in an
/// object and in the objects that are items of an array, as paths of MongoDB are. Returns whether `visit` did.
pub fn visit_path(json: &str, parts: &[&str], visit: &mut impl FnMut(&str) -> bool) -> bool {
    let Some((name, rest)) = parts.split_first() else {
        return visit(json);
    };
    match json.as_bytes().first() {
        Some(b'{') => object(json)
            .unwrap_or_default()
            .into_iter()
            .any(|(field, value)| field == *name && visit_path(value.get(), rest, visit)),
        Some(b'[') => array(json)
            .unwrap_or_default()
            .into_iter()
            .any(|item| item.get().starts_with('{') && visit_path(item.get(), parts, visit)),
        _ => false,
    }
}

/// A text, which is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, path: &str) -> Vec<String> {
        let parts: Vec<_> = path.split('.').collect();
        let mut found = Vec::new();
        visit_path(json, &parts, &mut |value| {
            found.push(value.to_owned());
            false
        });
        found
    }

    #[test]
    fn paths_lead_through_objects_and_through_arrays_of_them() {
        let json = r#"{"a":[{"b":1.0},2,{"b":[3]},[{"b":4}]],"c":{"d":null}}"#;
        assert_eq!(at(json, "a.b"), ["1.0", "[3]"]);
        assert_eq!(at(json, "c.d"), ["null"]);
        assert_eq!(at(json, "c"), [r#"{"d":null}"#]);
        for nothing in ["", "b", "c.d.e", "a.b.c", "a.0", "a..b"] {
            assert!(at(json, nothing).is_empty(), "{nothing}");
        }
        assert!(at("{", "a").is_empty());
    }

    #[test]
    fn texts_are_unescaped() {
        assert_eq!(text(r#""a\u0062\"""#).as_deref(), Some("ab\""));
        assert_eq!(text(r#""zö""#).as_deref(), Some("zö"));
        for none in ["7", "null", "[\"a\"]", "\"", ""] {
            assert_eq!(text(none), None, "{none}");
        }
    }
}
