//! The fields of JSON documents, as the wire contract has them ("General", "JSON input" and "Dates on input").
//!
//! These are functions for serde's `deserialize_with`. What they refuse is not quoted: it may be a secret.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use crate::clock::{Timestamp, date};

/// Up to here a number with a fraction has all digits that were sent.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A text, or a number as text.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_text(deserializer)?.ok_or_else(|| D::Error::custom("it must be text, and is null"))
}

/// A text, a number as text, or null.
pub fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number)
            if !number.is_f64() || number.as_f64().is_some_and(|it| it.abs() < EXACT_MAX) =>
        {
            Ok(Some(number.to_string()))
        }
        _ => Err(D::Error::custom("it must be text")),
    }
}

/// A boolean, or what is taken for one; null is false.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let problem = || D::Error::custom("it must be true or false");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(false),
        Value::Bool(boolean) => Ok(boolean),
        Value::String(text) => match text.as_str() {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" | "" => Ok(false),
            _ => Err(problem()),
        },
        Value::Number(number) if !number.is_f64() => Ok(number.as_u64() != Some(0)),
        _ => Err(problem()),
    }
}

/// A date; null and blank text are none.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let date = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => date::parse(&text),
        Value::Number(number) => number.as_i64().map(Timestamp::from_millis),
        _ => None,
    };
    let problem = || D::Error::custom("it must be a date: epoch milliseconds, or ISO-8601 text");
    date.map(Some).ok_or_else(problem)
}

/// A list; null is empty.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list of texts; null is empty.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text")] String);

    let texts: Vec<Text> = list(deserializer)?;
    Ok(texts.into_iter().map(|Text(text)| text).collect())
}
