//! Values of documents, and how they compare: as those of MongoDB do.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::object_id::ObjectId;

/// The fields of a stored document. They are looked up by name, so that none is decoded that a query does not name.
pub trait Fields {
    /// The top-level field with this name.
    fn field(&self, name: &str) -> Option<Value<'_>>;

    /// The field with this name of the top-level field `attributes`.
    fn attribute(&self, name: &str) -> Option<Value<'_>>;
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number: in JSON, one that is written without a point and an exponent.
    Int(i64),
    /// Another number.
    Double(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list of values.
    Array(Vec<Self>),
    /// Values by name, in their order.
    Document(Vec<(Cow<'a, str>, Self)>),
    /// The id of a profile.
    ObjectId(ObjectId),
    /// A time, in milliseconds since the epoch.
    Date(i64),
}

impl<'a> Value<'a> {
    /// The value that a JSON text is; `None` if it is none.
    pub fn from_json(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The order of two values. Those of different types are in the order of their types; numbers compare by what they
    /// are, whole or not, and not-a-number is equal to itself and less than the others; texts compare by their bytes.
    pub fn compare(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Value::Bool(other)) => one.cmp(other),
            (Self::Int(one), Value::Int(other)) => one.cmp(other),
            (Self::Double(one), Value::Double(other)) => compare_doubles(*one, *other),
            (Self::Int(one), Value::Double(other)) => compare_int(*one, *other),
            (Self::Double(one), Value::Int(other)) => compare_int(*other, *one).reverse(),
            (Self::Text(one), Value::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
            (Self::Array(one), Value::Array(other)) => {
                compare_all(one, other, |one, other| one.compare(other))
            }
            (Self::Document(one), Value::Document(other)) => {
                compare_all(one, other, |(name, one), (other_name, other)| {
                    let types = one.type_rank().cmp(&other.type_rank());
                    let names = || name.as_bytes().cmp(other_name.as_bytes());
                    types.then_with(names).then_with(|| one.compare(other))
                })
            }
            (Self::ObjectId(one), Value::ObjectId(other)) => one.cmp(other),
            (Self::Date(one), Value::Date(other)) => one.cmp(other),
            _ => self.type_rank().cmp(&other.type_rank()),
        }
    }

    /// Where its type is among the types of values in their order. All numbers are of one type.
    pub fn type_rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Int(_) | Self::Double(_) => 1,
            Self::Text(_) => 2,
            Self::Document(_) => 3,
            Self::Array(_) => 4,
            Self::ObjectId(_) => 5,
            Self::Bool(_) => 6,
            Self::Date(_) => 7,
        }
    }

    /// Whether it is the number that is none.
    pub fn is_nan(&self) -> bool {
        matches!(self, Self::Double(number) if number.is_nan())
    }

    /// How many values it is, with those that it has.
    pub fn count(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Self::Document(fields) => {
                1 + fields.iter().map(|(_, value)| value.count()).sum::<usize>()
            }
            _ => 1,
        }
    }

    /// The number without what is after its point, if it is a number and that is one of 64 bits.
    pub fn whole_number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Double(number) => whole_part(*number),
            _ => None,
        }
    }

    /// The value of a document's field with this name; `None` for what is no document.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Document(fields) = self else {
            return None;
        };
        fields
            .iter()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// The same value, on its own.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Double(number) => Value::Double(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Document(fields) => {
                let owned = |(name, value): (Cow<'a, str>, Self)| {
                    (Cow::Owned(name.into_owned()), value.into_owned())
                };
                Value::Document(fields.into_iter().map(owned).collect())
            }
            Self::ObjectId(id) => Value::ObjectId(id),
            Self::Date(millis) => Value::Date(millis),
        }
    }
}

/// The order of two lists: that of the first items that differ, else that of their lengths.
fn compare_all<T>(one: &[T], other: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let items = one
        .iter()
        .zip(other)
        .map(|(one, other)| compare(one, other));
    let differing = items.into_iter().find(|order| order.is_ne());
    differing.unwrap_or_else(|| one.len().cmp(&other.len()))
}

fn compare_doubles(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other)
        .unwrap_or_else(|| other.is_nan().cmp(&one.is_nan()))
}

/// The order of a whole number and another one. Converting either to the type of the other would lose digits.
fn compare_int(int: i64, double: f64) -> Ordering {
    match whole_part(double) {
        Some(whole) => int
            .cmp(&whole)
            .then_with(|| compare_doubles(0.0, double.fract())),
        None if double > 0.0 => Ordering::Less,
        None => Ordering::Greater,
    }
}

/// The number without what is after its point, if that is one of 64 bits.
fn whole_part(double: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT)
        .contains(&double)
        .then(|| double.trunc() as i64)
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonValue)
    }
}

struct JsonValue;

impl<'de> Visitor<'de> for JsonValue {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        // MongoDB has no whole numbers of more than 63 bits.
        Ok(i64::try_from(number).map_or(Value::Double(number as f64), Value::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<Value<'de>>()? {
            let Value::Text(name) = name else {
                return Err(A::Error::custom("names are texts"));
            };
            fields.push((name, map.next_value()?));
        }
        Ok(Value::Document(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_what_they_are() {
        let two_pow_53 = 1_i64 << 53;
        for (one, other, expected) in [
            (Value::Int(1), Value::Double(1.0), Ordering::Equal),
            (Value::Int(0), Value::Double(-0.0), Ordering::Equal),
            (Value::Int(1), Value::Double(1.5), Ordering::Less),
            (Value::Int(-1), Value::Double(-1.5), Ordering::Greater),
            (
                Value::Int(two_pow_53 + 1),
                Value::Double(two_pow_53 as f64),
                Ordering::Greater,
            ),
            (
                Value::Int(i64::MAX),
                Value::Double(i64::MAX as f64),
                Ordering::Less,
            ),
            (
                Value::Int(i64::MIN),
                Value::Double(i64::MIN as f64),
                Ordering::Equal,
            ),
            (
                Value::Int(i64::MIN),
                Value::Double(f64::NEG_INFINITY),
                Ordering::Greater,
            ),
            (
                Value::Int(i64::MIN),
                Value::Double(f64::NAN),
                Ordering::Greater,
            ),
            (
                Value::Double(f64::NAN),
                Value::Double(f64::NAN),
                Ordering::Equal,
            ),
            (
                Value::Double(f64::NAN),
                Value::Double(f64::NEG_INFINITY),
                Ordering::Less,
            ),
            (Value::Int(i64::MAX), Value::Text("".into()), Ordering::Less),
        ] {
            assert_eq!(one.compare(&other), expected, "{one:?} {other:?}");
            assert_eq!(other.compare(&one), expected.reverse(), "{other:?} {one:?}");
        }
    }

    #[test]
    fn lists_and_documents_compare_item_by_item() {
        let parse = |json| Value::from_json(json).expect("JSON");
        for (one, other, expected) in [
            ("[1,2]", "[1,2.0]", Ordering::Equal),
            ("[1]", "[1,0]", Ordering::Less),
            ("[2]", "[1,0]", Ordering::Greater),
            (r#"{"a":1,"b":2}"#, r#"{"a":1.0,"b":2}"#, Ordering::Equal),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, Ordering::Less),
            // The types come before the names.
            (r#"{"a":""}"#, r#"{"b":1}"#, Ordering::Greater),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, Ordering::Less),
        ] {
            assert_eq!(parse(one).compare(&parse(other)), expected, "{one} {other}");
            assert_eq!(parse(other).compare(&parse(one)), expected.reverse());
        }
    }

    #[test]
    fn json_keeps_its_order_and_its_types() {
        let json = r#"{"b":[null,true,1,1.0,"\u0078"],"a":18446744073709551615}"#;
        let list = [
            Value::Null,
            Value::Bool(true),
            Value::Int(1),
            Value::Double(1.0),
            Value::Text("x".into()),
        ];
        let fields = [
            ("b".into(), Value::Array(list.to_vec())),
            ("a".into(), Value::Double(18_446_744_073_709_551_615.0)),
        ];
        assert_eq!(
            Value::from_json(json),
            Some(Value::Document(fields.to_vec()))
        );
        assert_eq!(Value::from_json("{"), None);
        assert_eq!(Value::from_json(&"[".repeat(100_000)), None);
    }
}
