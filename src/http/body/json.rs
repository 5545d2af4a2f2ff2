//! Parameters as a JSON object: texts, numbers, booleans and lists of them. A list is a repeated parameter, `null` an
//! empty text, and a number is the text that was sent.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::error::ApiError;
use crate::http::params::Params;

/// Adds the members of a JSON object.
///
/// # Errors
///
/// [`ApiError::BodyMalformed`] if it is none; [`ApiError::ParameterInvalid`] for a repeated name and for a value that
/// is no parameter; [`ApiError::TooManyParameters`].
pub fn add(params: &mut Params, body: &[u8]) -> Result<(), ApiError> {
    let Members(members) = serde_json::from_slice(body).map_err(malformed)?;
    let mut names = BTreeSet::new();
    for (name, value) in &members {
        if !names.insert(name) {
            return Err(ApiError::invalid(name.clone(), "is given more than once"));
        }
        if !value.get().starts_with('[') {
            params.add(name, &text(name, value)?)?;
            continue;
        }
        let list: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(malformed)?;
        // It would count as missing, and a token that is missing is not compared.
        if list.is_empty() {
            return Err(ApiError::invalid(name.clone(), "is an empty list"));
        }
        for value in list {
            params.add(name, &text(name, value)?)?;
        }
    }
    Ok(())
}

fn text<'v>(name: &str, value: &'v RawValue) -> Result<Cow<'v, str>, ApiError> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'{' | b'[') => Err(ApiError::invalid(
            name.to_owned(),
            "is neither a text, a number, a boolean nor a list of them",
        )),
        Some(b'"') => Ok(Cow::Owned(serde_json::from_str(json).map_err(malformed)?)),
        Some(b'n') => Ok(Cow::Borrowed("")),
        _ => Ok(Cow::Borrowed(json)),
    }
}

fn malformed(_: serde_json::Error) -> ApiError {
    ApiError::BodyMalformed
}

/// The members of an object, in their order, repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MemberVisitor;

        impl<'de> Visitor<'de> for MemberVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MemberVisitor)
    }
}
