//! The attributes of a profile: JSON by name, kept as text.
//!
//! Most requests send them on as they are. So they are not parsed when a profile is read, and all of their text is in
//! one piece of memory.

use std::ops::Range;

use serde_json::{Map, Value};

/// Attributes with their values, in the order in which they were set first. Every name is there once.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Attributes {
    /// A name and the JSON of its value, again and again.
    text: String,
    /// Where in `text` each name ends, and where its value does.
    ends: Vec<(usize, usize)>,
}

impl Attributes {
    /// None, with memory for names and values of `bytes` bytes together.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::new(),
        }
    }

    /// The names with the JSON of their values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(name, value)| {
            let name_range = start..*name;
            start = *value;
            (&self.text[name_range], &self.text[*name..*value])
        })
    }

    /// The JSON of the value of the attribute with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// How many bytes the names and the JSON of the values take.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// Sets an attribute to `value`, in place of what it had.
    pub fn set(&mut self, name: &str, value: &Value) {
        self.set_json(name, &value.to_string());
    }

    /// Sets an attribute to the value with this JSON, in place of what it had.
    pub fn set_json(&mut self, name: &str, json: &str) {
        let Some(at) = self.position(name) else {
            return self.push_json(name, json);
        };
        let value = self.ends[at].0..self.ends[at].1;
        let before = value.len();
        self.text.replace_range(value, json);
        self.ends[at].1 = self.ends[at].0 + json.len();
        for (name, value) in &mut self.ends[at + 1..] {
            *name = *name - before + json.len();
            *value = *value - before + json.len();
        }
    }

    /// Appends an attribute, which must not be there yet, with the JSON of its value.
    pub fn push_json(&mut self, name: &str, json: &str) {
        self.text.push_str(name);
        let end_of_name = self.text.len();
        self.text.push_str(json);
        self.ends.push((end_of_name, self.text.len()));
    }

    /// Removes an attribute. Returns whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(at) = self.position(name) else {
            return false;
        };
        let removed = self.range(at);
        self.ends.remove(at);
        for (name, value) in &mut self.ends[at..] {
            *name -= removed.len();
            *value -= removed.len();
        }
        self.text.drain(removed);
        true
    }

    /// Keeps the attributes with the names for which `keeps` returns true.
    pub fn retain(&mut self, mut keeps: impl FnMut(&str) -> bool) {
        // Mostly all are kept.
        let Some(removed) = self.iter().position(|(name, _)| !keeps(name)) else {
            return;
        };
        let mut left = Self::default();
        for (at, (name, json)) in self.iter().enumerate() {
            if at < removed || at > removed && keeps(name) {
                left.push_json(name, json);
            }
        }
        *self = left;
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.iter().position(|(found, _)| found == name)
    }

    /// Where in `text` an attribute is.
    fn range(&self, at: usize) -> Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].1);
        start..self.ends[at].1
    }
}

impl<'v> FromIterator<(&'v str, &'v Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (&'v str, &'v Value)>>(values: I) -> Self {
        let mut attributes = Self::default();
        for (name, value) in values {
            attributes.set(name, value);
        }
        attributes
    }
}

impl From<&Map<String, Value>> for Attributes {
    fn from(map: &Map<String, Value>) -> Self {
        let mut attributes = Self::default();
        for (name, value) in map {
            attributes.push_json(name, &value.to_string());
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(attributes: &Attributes) -> Vec<(&str, &str)> {
        attributes.iter().collect()
    }

    #[test]
    fn each_name_has_the_value_that_it_was_set_to_last() {
        let mut attributes = Attributes::default();
        assert!(all(&attributes).is_empty());
        attributes.set("a", &json!(1));
        attributes.set("bb", &json!({"x": [1.5, "ü"]}));
        attributes.set("", &json!("empty name"));
        attributes.set("a", &json!("longer"));
        let expected = [
            ("a", r#""longer""#),
            ("bb", r#"{"x":[1.5,"ü"]}"#),
            ("", r#""empty name""#),
        ];
        assert_eq!(all(&attributes), expected);
        attributes.set_json("bb", "0");
        assert_eq!(attributes.get("bb"), Some("0"));
        assert_eq!(attributes.get(""), Some(r#""empty name""#));
        assert_eq!(attributes.get("b"), None);
    }

    #[test]
    fn what_is_kept_stays_in_its_order() {
        let map = json!({"a": 1, "b": [2], "c": "three"});
        let whole = Attributes::from(map.as_object().expect("an object"));
        for (names, expected) in [
            ("abc", vec![("a", "1"), ("b", "[2]"), ("c", r#""three""#)]),
            ("ac", vec![("a", "1"), ("c", r#""three""#)]),
            ("", vec![]),
        ] {
            let mut attributes = whole.clone();
            attributes.retain(|name| names.contains(name));
            assert_eq!(all(&attributes), expected);
        }
    }

    #[test]
    fn what_is_removed_leaves_the_others_as_they_are() {
        let map = json!({"a": 1, "b": [2], "c": "three"});
        let whole = Attributes::from(map.as_object().expect("an object"));
        for name in ["a", "b", "c"] {
            let mut attributes = whole.clone();
            assert!(attributes.remove(name));
            assert!(!attributes.remove(name));
            let left = whole.iter().filter(|(found, _)| *found != name);
            assert_eq!(all(&attributes), Vec::from_iter(left));
            let mut kept = whole.clone();
            kept.retain(|found| found != name);
            assert_eq!(kept, attributes);
            attributes.set_json(name, "null");
            assert_eq!(attributes.get(name), Some("null"));
        }
    }
}
