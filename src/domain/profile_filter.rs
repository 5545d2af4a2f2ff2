//! Which profiles of a tenant a list has.

use crate::domain::json_text::{array, text};
use crate::domain::profile::Profile;

/// What the profiles of a list have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileFilter {
    /// Nothing.
    All,
    /// The role.
    Role(String),
    /// The attribute with this dotted name, with any value.
    Attribute(String),
    /// The attribute with this dotted name, whose value, or an item of it, is this text.
    AttributeValue(String, String),
}

impl ProfileFilter {
    /// Whether the profile is one of them.
    pub fn matches(&self, profile: &Profile) -> bool {
        match self {
            Self::All => true,
            Self::Role(role) => profile.roles.iter().flatten().any(|found| found == role),
            Self::Attribute(name) => profile.visit_attribute(name, |_| true),
            Self::AttributeValue(name, value) => {
                profile.visit_attribute(name, |json| is_or_has(json, value))
            }
        }
    }
}

/// Whether a JSON value is the text `value`, or a list that has it.
fn is_or_has(json: &str, value: &str) -> bool {
    let is_value = |json: &str| text(json).is_some_and(|text| text == value);
    if json.starts_with('[') {
        let items = array(json).unwrap_or_default();
        items.into_iter().any(|item| is_value(item.get()))
    } else {
        is_value(json)
    }
}
