//! A JSON document as the body of a request, for the endpoints that the wire contract marks with J.
//!
//! It is strict JSON. Its values are decoded as the contract has it ("General", "JSON input"): an unknown field is
//! refused, the last of a repeated key applies, and `field.rs` has what is taken for a text, a boolean or a date.

use hyper::body::Bytes;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;
use serde_json::{Error, Value};

use crate::http::body::kind::UnsupportedBody;
use crate::http::error::ApiError;
use crate::http::quote::quote;
use crate::json_problem::of_schema;

/// The body of a request that must be a JSON document.
#[derive(Debug)]
pub enum Document {
    /// It says that it is one; empty if there is no body.
    Json(Bytes),
    /// It says that it is something else.
    Unsupported(UnsupportedBody),
}

impl Document {
    /// The document's bytes, which are not empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyUnsupported`] and [`ApiError::DocumentInvalid`].
    pub fn bytes(&self) -> Result<&[u8], ApiError> {
        match self {
            Self::Json(bytes) if bytes.trim_ascii().is_empty() => Err(ApiError::DocumentInvalid(
                "The request has no JSON body".to_owned(),
            )),
            Self::Json(bytes) => Ok(bytes),
            Self::Unsupported(why) => Err(ApiError::BodyUnsupported(why.clone())),
        }
    }
}

/// Decodes a document.
///
/// # Errors
///
/// [`ApiError::DocumentInvalid`] with the position of what is no JSON, or the field that is not as it must be.
pub fn decode<T: DeserializeOwned>(document: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(document).map_err(|error| malformed(&error))?;
    serde_path_to_error::deserialize(Tree(value)).map_err(|error| {
        let path = error.path().to_string();
        let problem = of_schema(&error.into_inner().to_string());
        let place = match path.as_str() {
            "." | "?" => String::new(),
            path => format!(" at '{}'", quote(path)),
        };
        ApiError::DocumentInvalid(format!(
            "The JSON body is invalid{place}: {}",
            quote(&problem)
        ))
    })
}

/// The values of a document that is a list, which are not parsed.
///
/// # Errors
///
/// [`ApiError::DocumentInvalid`] if it is no list, or no JSON.
pub fn raw_list(document: &[u8]) -> Result<Vec<&RawValue>, ApiError> {
    serde_json::from_slice(document).map_err(|error| malformed(&error))
}

/// The error of a document that is no JSON. The library's text has the position and nothing of the document.
fn malformed(error: &Error) -> ApiError {
    ApiError::DocumentInvalid(format!("The JSON body is malformed: {error}"))
}

/// A value, in which a structure is an object: the library would take a list for the fields in their order.
struct Tree(Value);

impl<'de> IntoDeserializer<'de, Error> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(boolean) => visitor.visit_bool(boolean),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(list) => {
                visitor.visit_seq(SeqDeserializer::new(list.into_iter().map(Tree)))
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Tree(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod properties;
