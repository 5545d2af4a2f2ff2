//! The order of lists of profiles: `sortBy` and `sortOrder` of the wire contract ("Queries").
//!
//! A profile has a sort key, bytes that compare as the values do that it is made of. Values of different types are in
//! the order that MongoDB gives them: none, numbers, texts, objects, arrays, ids, truth values, dates. Of several
//! values, as of a list of roles, the least counts in an ascending list and the greatest in a descending one.

use serde_json::{Number, Value};

use crate::domain::profile::{Profile, SECRET_FIELDS};
use crate::domain::sort_order::SortOrder;

/// What lists are sorted by, and in which direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileOrder {
    by: SortField,
    direction: SortOrder,
}

/// A field of profiles.
#[derive(Clone, PartialEq, Eq, Debug)]
enum SortField {
    Id,
    Username,
    Email,
    Verified,
    Enabled,
    CreatedOn,
    LastModified,
    Tenant,
    Roles,
    /// The attribute with this dotted name.
    Attribute(String),
    /// No profile has it, so that all are equal.
    Unknown,
}

/// The types of values, in the order in which they are sorted.
#[derive(Clone, Copy)]
enum Kind {
    Nothing = 1,
    Number,
    Text,
    Object,
    Array,
    Id,
    Truth,
    Date,
}

/// The prefix of the names of attributes.
const ATTRIBUTES: &str = "attributes.";

impl ProfileOrder {
    /// The order by the field of this name, or by the attribute with the dotted name after `attributes.`; `None` if
    /// lists must not be sorted by it.
    pub fn new(name: &str, direction: SortOrder) -> Option<Self> {
        let field = name.split('.').next().unwrap_or_default();
        if SECRET_FIELDS.contains(&field) {
            return None;
        }
        let by = match name {
            "id" | "_id" => SortField::Id,
            "username" => SortField::Username,
            "email" => SortField::Email,
            "verified" => SortField::Verified,
            "enabled" => SortField::Enabled,
            "createdOn" => SortField::CreatedOn,
            "lastModified" => SortField::LastModified,
            "tenant" => SortField::Tenant,
            "roles" => SortField::Roles,
            _ => match name.strip_prefix(ATTRIBUTES) {
                Some(name) => SortField::Attribute(name.to_owned()),
                None => SortField::Unknown,
            },
        };
        Some(Self { by, direction })
    }

    /// The order of the index of usernames.
    pub fn by_username() -> Self {
        Self {
            by: SortField::Username,
            direction: SortOrder::Ascending,
        }
    }

    /// The sort key of a profile: the profile with the least one comes first.
    pub fn key(&self, profile: &Profile) -> Vec<u8> {
        let mut key = match &self.by {
            SortField::Id => encoded(Kind::Id, profile.id.as_bytes()),
            SortField::Username => text(&profile.username),
            SortField::Email => text(&profile.email),
            SortField::Verified => truth(profile.verified),
            SortField::Enabled => truth(profile.enabled),
            SortField::CreatedOn => date(profile.created_on.as_millis()),
            SortField::LastModified => date(profile.last_modified.as_millis()),
            SortField::Tenant => text(profile.tenant.as_str()),
            SortField::Roles => {
                let roles = profile.roles.iter().flatten();
                self.first_of(roles.map(|role| text(role)))
            }
            SortField::Attribute(name) => self.attribute(profile, name),
            SortField::Unknown => nothing(),
        };
        if self.direction == SortOrder::Descending {
            for byte in &mut key {
                *byte = !*byte;
            }
        }
        key
    }

    fn attribute(&self, profile: &Profile, name: &str) -> Vec<u8> {
        let mut keys = Vec::new();
        profile.visit_attribute(name, |value| {
            keys.extend(self.json(value));
            false
        });
        self.first_of(keys.into_iter())
    }

    /// The key of a JSON value; of an array, that of the item that counts.
    fn json(&self, json: &str) -> Option<Vec<u8>> {
        let value: Value = serde_json::from_str(json).ok()?;
        Some(match &value {
            Value::Array(items) => self.first_of(items.iter().map(single)),
            other => single(other),
        })
    }

    fn first_of(&self, keys: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let first = match self.direction {
            SortOrder::Ascending => keys.min(),
            SortOrder::Descending => keys.max(),
        };
        first.unwrap_or_else(nothing)
    }
}

fn single(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => nothing(),
        Value::Bool(value) => truth(*value),
        Value::Number(value) => number(value),
        Value::String(value) => text(value),
        Value::Array(_) => encoded(Kind::Array, value.to_string().as_bytes()),
        Value::Object(_) => encoded(Kind::Object, value.to_string().as_bytes()),
    }
}

fn nothing() -> Vec<u8> {
    encoded(Kind::Nothing, &[])
}

fn truth(value: bool) -> Vec<u8> {
    encoded(Kind::Truth, &[value.into()])
}

fn date(millis: i64) -> Vec<u8> {
    encoded(Kind::Date, &(millis ^ i64::MIN).to_be_bytes())
}

/// As a floating-point number, and then, for those that are the same as such, as a whole one.
fn number(value: &Number) -> Vec<u8> {
    let float = value.as_f64().unwrap_or(0.0) + 0.0;
    let whole = value.as_i128().unwrap_or(float as i128);
    let bits = float.to_bits();
    let sortable = if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    };
    let mut bytes = sortable.to_be_bytes().to_vec();
    bytes.extend((whole ^ i128::MIN).to_be_bytes());
    encoded(Kind::Number, &bytes)
}

fn text(value: &str) -> Vec<u8> {
    encoded(Kind::Text, value.as_bytes())
}

/// The key of a value. What has no fixed length gets an end that is less than any byte of it, so that no key is the
/// beginning of another one: inverted, they would be in the wrong order.
fn encoded(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(bytes.len() + 2);
    key.push(kind as u8);
    match kind {
        Kind::Text | Kind::Object | Kind::Array => {
            // A zero in a text must be more than the end.
            for &byte in bytes {
                key.push(byte);
                if byte == 0 {
                    key.push(1);
                }
            }
            key.extend([0, 0]);
        }
        Kind::Nothing | Kind::Number | Kind::Id | Kind::Truth | Kind::Date => {
            key.extend_from_slice(bytes);
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::clock::Timestamp;
    use crate::domain::attributes::Attributes;
    use crate::domain::object_id::ObjectId;
    use crate::domain::tenant::TenantName;

    use super::*;

    fn with(value: Option<Value>) -> Profile {
        let mut attributes = Attributes::default();
        if let Some(value) = value {
            attributes.set("a", &value);
        }
        Profile {
            id: ObjectId::from_bytes([5; 12]),
            username: "jdoe".to_owned(),
            password: None,
            email: String::new(),
            verified: true,
            enabled: true,
            created_on: Timestamp::from_millis(1),
            last_modified: Timestamp::from_millis(2),
            tenant: TenantName::new("default").expect("not empty"),
            roles: None,
            attributes: Some(attributes),
        }
    }

    fn key(by: &str, direction: SortOrder, profile: &Profile) -> Vec<u8> {
        let order = ProfileOrder::new(by, direction).expect("it may be sorted by");
        order.key(profile)
    }

    #[test]
    fn values_are_in_the_order_of_their_types_and_then_their_own() {
        let ascending = [
            None,
            Some(json!(-1e300)),
            Some(json!(-7)),
            Some(json!(-0.5)),
            Some(json!(0)),
            Some(json!(1.5)),
            Some(json!(9_007_199_254_740_992_u64)),
            Some(json!(9_007_199_254_740_993_u64)),
            Some(json!(u64::MAX)),
            Some(json!(1e300)),
            Some(json!("")),
            Some(json!("a")),
            Some(json!("a\0")),
            Some(json!("a\u{1}")),
            Some(json!("ab")),
            Some(json!("é")),
            Some(json!({})),
            Some(json!(false)),
            Some(json!(true)),
        ];
        let sorted = |direction| -> Vec<_> {
            let keys = ascending.iter().cloned();
            keys.map(|value| key("attributes.a", direction, &with(value)))
                .collect()
        };
        assert!(sorted(SortOrder::Ascending).is_sorted_by(|one, next| one < next));
        assert!(sorted(SortOrder::Descending).is_sorted_by(|one, next| one > next));
    }

    #[test]
    fn equal_values_have_equal_keys() {
        let ascending = SortOrder::Ascending;
        let of = |value| key("attributes.a", ascending, &with(Some(value)));
        assert_eq!(of(json!(1)), of(json!(1.0)));
        assert_eq!(of(json!(0.0)), of(json!(-0.0)));
        assert_eq!(of(json!(null)), of(json!([])));
        let unknown = |profile| key("unknown", ascending, &profile);
        assert_eq!(unknown(with(None)), unknown(with(Some(json!(1)))));
    }

    #[test]
    fn of_several_values_the_first_in_the_direction_counts() {
        let profile = with(Some(json!([{"b": 2}, {"b": [1, 3]}])));
        for (direction, value) in [(SortOrder::Ascending, 1), (SortOrder::Descending, 3)] {
            let single = with(Some(json!({"b": value})));
            let key = |profile| key("attributes.a.b", direction, profile);
            assert_eq!(key(&profile), key(&single));
        }
    }

    #[test]
    fn lists_are_not_sorted_by_secrets() {
        for name in [
            "password",
            "password.x",
            "failedLoginAttempts",
            "lastFailedLogin",
        ] {
            assert_eq!(ProfileOrder::new(name, SortOrder::Ascending), None);
        }
    }
}
