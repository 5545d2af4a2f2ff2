//! What the body of a request is, as its header says.

use std::fmt;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::http::media_type;
use crate::http::quote::quote;

/// What a body is.
#[derive(Debug)]
pub enum BodyKind {
    /// A URL-encoded form.
    UrlEncoded,
    /// A multipart form with this content type, which has its boundary.
    Multipart(HeaderValue),
    /// A JSON object.
    Json,
    /// Nothing that has parameters. If it is empty, that does not matter.
    Unsupported(UnsupportedBody),
}

/// Why a body is not read: what is in it cannot be ignored, since a `token` that is not read is not compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UnsupportedBody {
    /// This content type, or none.
    Type(String),
    /// It is a multipart form with a file of this content type.
    File(String),
    /// It is a multipart form with a file in this part, where only the other one may be a file.
    FileElsewhere {
        part: String,
        expected: &'static str,
    },
    /// It is compressed.
    Encoding(String),
}

impl BodyKind {
    /// What the body after this header is.
    pub fn new(headers: &HeaderMap) -> Self {
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Self::Unsupported(UnsupportedBody::Encoding(text(headers, CONTENT_ENCODING)));
        }
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let (Some(content_type), None) = (types.next(), types.next()) else {
            return Self::Unsupported(UnsupportedBody::of_type(headers));
        };
        let essence = media_type::essence(content_type.to_str().unwrap_or_default());
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::UrlEncoded
        } else if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("multipart/form-data") {
            Self::Multipart(content_type.clone())
        } else {
            Self::Unsupported(UnsupportedBody::of_type(headers))
        }
    }
}

impl UnsupportedBody {
    /// The content type in this header, where another one is expected.
    pub fn of_type(headers: &HeaderMap) -> Self {
        Self::Type(text(headers, CONTENT_TYPE))
    }
}

/// All values of a header field, as a message quotes them.
fn text(headers: &HeaderMap, name: HeaderName) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    quote(&values.join(", ")).into_owned()
}

impl fmt::Display for UnsupportedBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(content_type) | Self::File(content_type) => {
                write!(formatter, "Content type '{content_type}' not supported")
            }
            Self::FileElsewhere { part, expected } => {
                write!(
                    formatter,
                    "The part '{part}' is a file, and only '{expected}' may be one"
                )
            }
            Self::Encoding(encoding) => {
                write!(formatter, "Content encoding '{encoding}' not supported")
            }
        }
    }
}
