//! Values that JSON does not have: numbers of one type or the other, ids and dates, as constructors and as documents
//! with one operator.

use crate::clock::{Timestamp, date};
use crate::domain::object_id::ObjectId;
use crate::domain::query::error::QueryError;
use crate::domain::query::tree::{Field, Kind};
use crate::domain::query::value::Value;

/// The number that `text` is, which begins at the byte `at`: one of JSON, or minus infinity.
///
/// # Errors
///
/// It is none.
pub fn number(at: usize, text: &str) -> Result<Value<'static>, QueryError> {
    if text == "-Infinity" {
        return Ok(Value::Double(f64::NEG_INFINITY));
    }
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(number) => Ok(match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, double) => Value::Double(double.unwrap_or(f64::NAN)),
        }),
        Err(_) => Err(QueryError::malformed(at, "it is no number")),
    }
}

/// The value that a call of the constructor `name` makes of `argument`.
///
/// # Errors
///
/// There is no such constructor, or it cannot make a value of this one.
pub fn construct<'t>(
    at: usize,
    is_new: bool,
    name: &str,
    argument: Value<'t>,
) -> Result<Value<'t>, QueryError> {
    let made = match name {
        "ObjectId" => object_id(&argument),
        "ISODate" => iso_date(&argument),
        // Without `new` it would be a text with the time of today.
        "Date" if is_new => any_date(&argument),
        "NumberLong" => long(&argument),
        "NumberInt" => int(&argument),
        _ => return Err(QueryError::malformed(at, "there is no such value")),
    };
    made.ok_or_else(|| QueryError::malformed(at, format!("it is no argument of {name}")))
}

/// A document with these fields, or the value that it stands for: `{$oid: '…'}` is an id.
///
/// # Errors
///
/// It stands for no value, although it has the operator of one.
pub fn extended(at: usize, mut fields: Vec<Field<'_>>) -> Result<Kind<'_>, QueryError> {
    let make: fn(&Value<'_>) -> Option<Value<'static>> = match fields.first() {
        Some(first) => match &*first.name {
            "$oid" => object_id,
            "$date" => any_date,
            "$numberLong" => long,
            "$numberInt" => int,
            "$numberDouble" => double,
            _ => return Ok(Kind::Document(fields)),
        },
        None => return Ok(Kind::Document(fields)),
    };
    let made = match (fields.pop(), fields.is_empty()) {
        (Some(field), true) => match &field.value.kind {
            Kind::Scalar(value) => make(value),
            Kind::Regex(..) | Kind::Array(_) | Kind::Document(_) => None,
        },
        _ => None,
    };
    let invalid = || QueryError::malformed(at, "the operator has no value of its type");
    made.map(Kind::Scalar).ok_or_else(invalid)
}

fn object_id(argument: &Value<'_>) -> Option<Value<'static>> {
    ObjectId::parse(text(argument)?).map(Value::ObjectId)
}

fn iso_date(argument: &Value<'_>) -> Option<Value<'static>> {
    let text = text(argument)?;
    // Milliseconds as text are dates elsewhere, and not here.
    let is_number = text.trim().parse::<i64>().is_ok();
    let parsed = date::parse(text).filter(|_| !is_number);
    parsed.map(Timestamp::as_millis).map(Value::Date)
}

/// Milliseconds since the epoch, or a date as text.
fn any_date(argument: &Value<'_>) -> Option<Value<'static>> {
    match argument {
        Value::Int(millis) => Some(Value::Date(*millis)),
        _ => iso_date(argument),
    }
}

fn long(argument: &Value<'_>) -> Option<Value<'static>> {
    match argument {
        Value::Int(number) => Some(Value::Int(*number)),
        _ => text(argument)?.parse().ok().map(Value::Int),
    }
}

fn int(argument: &Value<'_>) -> Option<Value<'static>> {
    let made = long(argument)?;
    matches!(made, Value::Int(number) if i32::try_from(number).is_ok()).then_some(made)
}

fn double(argument: &Value<'_>) -> Option<Value<'static>> {
    match argument {
        Value::Int(number) => Some(Value::Double(*number as f64)),
        Value::Double(number) => Some(Value::Double(*number)),
        _ => text(argument)?.parse().ok().map(Value::Double),
    }
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
