//! Which attributes of a profile an answer shows, as a request asks for them by `attributeToReturn` (wire contract,
//! "Profiles, attributes, tenants").
//!
//! Attributes are JSON texts, and stay texts: what is shown whole is not parsed, and what is shown in part keeps the
//! order of its fields and every digit of its numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use crate::domain::json_text::{array, object};

/// The name that stands for no attributes at all.
const NO_ATTRIBUTES: &str = "$none";

/// How many parts of a path are looked at. No stored JSON is nested so deeply, so that the parts after it select
/// nothing.
const PATH_PARTS_MAX: usize = 128;

/// Which attributes are shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Projection {
    /// All of them.
    All,
    /// None.
    Nothing,
    /// What these paths select.
    Paths(Selection),
}

/// What paths select of a value: all of it, or of its fields by name what is selected of them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Selection {
    is_whole: bool,
    fields: BTreeMap<Box<str>, Selection>,
}

impl Projection {
    /// The projection of a read that asks for these names: dotted ones are paths into an attribute. None at all are all
    /// attributes.
    pub fn of_paths(names: &[String]) -> Self {
        Self::of(names, |name, selection| {
            selection.add(name.split('.').take(PATH_PARTS_MAX));
        })
    }

    /// The projection of a change that asks for these names: each is the whole name of an attribute. None at all are
    /// all attributes.
    pub fn of_names(names: &[String]) -> Self {
        Self::of(names, |name, selection| selection.add(iter::once(name)))
    }

    fn of(names: &[String], add: impl Fn(&str, &mut Selection)) -> Self {
        if names.is_empty() {
            return Self::All;
        }
        if names.iter().any(|name| name == NO_ATTRIBUTES) {
            return Self::Nothing;
        }
        let mut selection = Selection::default();
        for name in names {
            add(name, &mut selection);
        }
        Self::Paths(selection)
    }

    /// Whether something of the attribute with this name may be shown.
    pub fn shows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Paths(selection) => selection.fields.contains_key(name),
        }
    }

    /// What is shown of the attribute with this name and JSON; `None` if the attribute is not shown. JSON that does not
    /// parse has nothing that could be selected.
    pub fn of_attribute<'a>(&self, name: &str, json: &'a str) -> Option<Cow<'a, str>> {
        match self {
            Self::All => Some(Cow::Borrowed(json)),
            Self::Nothing => None,
            Self::Paths(selection) => {
                let selection = selection.fields.get(name)?;
                if selection.is_whole {
                    return Some(Cow::Borrowed(json));
                }
                let mut shown = String::new();
                selection
                    .write_part(json, &mut shown)
                    .then_some(Cow::Owned(shown))
            }
        }
    }
}

impl Selection {
    fn add<'p>(&mut self, path: impl Iterator<Item = &'p str>) {
        let mut selection = self;
        for part in path {
            selection = selection.fields.entry(part.into()).or_default();
        }
        selection.is_whole = true;
    }

    /// Appends what is selected of `json`. Returns whether that is anything: of a value that has no fields it is
    /// nothing, of an object without the selected ones the empty object.
    fn write_part(&self, json: &str, shown: &mut String) -> bool {
        if self.is_whole {
            shown.push_str(json);
            return true;
        }
        match json.as_bytes().first() {
            Some(b'{') => self.write_object(json, shown),
            Some(b'[') => self.write_array(json, shown),
            _ => false,
        }
    }

    fn write_object(&self, json: &str, shown: &mut String) -> bool {
        let Ok(fields) = object(json) else {
            return false;
        };
        shown.push('{');
        let mut is_first = true;
        for (name, value) in fields {
            let Some(selection) = self.fields.get(name.as_ref()) else {
                continue;
            };
            let before = shown.len();
            if !is_first {
                shown.push(',');
            }
            write_text(&name, shown);
            shown.push(':');
            if selection.write_part(value.get(), shown) {
                is_first = false;
            } else {
                shown.truncate(before);
            }
        }
        shown.push('}');
        true
    }

    fn write_array(&self, json: &str, shown: &mut String) -> bool {
        let Ok(items) = array(json) else {
            return false;
        };
        shown.push('[');
        let mut is_first = true;
        for item in items {
            let before = shown.len();
            if !is_first {
                shown.push(',');
            }
            if self.write_part(item.get(), shown) {
                is_first = false;
            } else {
                shown.truncate(before);
            }
        }
        shown.push(']');
        true
    }
}

fn write_text(text: &str, json: &mut String) {
    let text = serde_json::to_string(text).expect("a text has JSON");
    json.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str =
        r#"{"h":1.0,"b":{"c":[1,{"d":2,"e":3},{"e":4},[{"d":5}]],"x":"y"},"a\"b":null}"#;

    fn shown(paths: &[&str], json: &str) -> Option<String> {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        let projection = Projection::of_paths(&paths);
        projection.of_attribute("f", json).map(Cow::into_owned)
    }

    #[test]
    fn no_names_are_all_attributes_and_none_is_none() {
        assert_eq!(shown(&[], NESTED).as_deref(), Some(NESTED));
        assert_eq!(shown(&["$none"], NESTED), None);
        assert_eq!(shown(&["f", "$none"], NESTED), None);
        assert_eq!(shown(&["g", ""], NESTED), None);
        assert_eq!(shown(&["f"], NESTED).as_deref(), Some(NESTED));
        assert_eq!(shown(&["f", "f.h"], NESTED).as_deref(), Some(NESTED));
    }

    #[test]
    fn dotted_paths_keep_the_nesting() {
        for (paths, expected) in [
            (&["f.h"][..], r#"{"h":1.0}"#),
            (&["f.b.c.d"], r#"{"b":{"c":[{"d":2},{},[{"d":5}]]}}"#),
            (&["f.b.x", "f.h"], r#"{"h":1.0,"b":{"x":"y"}}"#),
            (&["f.a\"b"], r#"{"a\"b":null}"#),
            // A missing leaf leaves the empty parent; of what has no fields nothing is left.
            (&["f.z"], "{}"),
            (&["f.b.z"], r#"{"b":{}}"#),
            (&["f.h.z"], "{}"),
            (&["f."], "{}"),
        ] {
            assert_eq!(shown(paths, NESTED).as_deref(), Some(expected), "{paths:?}");
        }
        assert_eq!(shown(&["f.x"], "7"), None);
        assert_eq!(shown(&["f.x"], r#""x""#), None);
        assert_eq!(shown(&["f.x"], "[1,2]").as_deref(), Some("[]"));
    }

    #[test]
    fn names_are_not_split() {
        let shown = |name: &str| {
            let projection = Projection::of_names(&[name.to_owned()]);
            projection.of_attribute("f", NESTED).is_some()
        };
        assert!(shown("f"));
        assert!(!shown("f.h") && !shown("$none") && !shown(""));
        assert_eq!(Projection::of_names(&[]), Projection::All);
    }

    #[test]
    fn a_path_may_be_of_any_length() {
        let path = "f".to_owned() + &".x".repeat(100_000);
        assert_eq!(shown(&[&path], NESTED).as_deref(), Some("{}"));
    }
}
