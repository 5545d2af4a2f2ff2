//! Parameters as a JSON object: texts, numbers, booleans and lists of them. A list is a repeated parameter, `null` an
//! empty text, and a number is the text that was sent.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::domain::json_text;
use crate::http::error::ApiError;
use crate::http::params::Params;

/// Adds the members of a JSON object.
///
/// # Errors
///
/// [`ApiError::BodyMalformed`] if it is none; [`ApiError::ParameterInvalid`] for a repeated name and for a value that
/// is no parameter; [`ApiError::TooManyParameters`].
pub fn add(params: &mut Params, body: &[u8]) -> Result<(), ApiError> {
    let body = str::from_utf8(body).map_err(|_| ApiError::BodyMalformed)?;
    let members = json_text::object(body).map_err(malformed)?;
    let mut names = BTreeSet::new();
    for (name, value) in &members {
        if !names.insert(name) {
            let problem = "is given more than once";
            return Err(ApiError::invalid(name.to_string(), problem));
        }
        if !value.get().starts_with('[') {
            params.add(name, &text(name, value)?)?;
            continue;
        }
        let list = json_text::array(value.get()).map_err(malformed)?;
        // It would count as missing, and a token that is missing is not compared.
        if list.is_empty() {
            return Err(ApiError::invalid(name.to_string(), "is an empty list"));
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
