//! The parameters of a request: those of its query and those of its body.

use std::borrow::Cow;

use hyper::body::Bytes;

use crate::http::error::ApiError;

/// The parameters of a request. A name in the query takes precedence over the same name in the body, and
/// the first value of a name over later ones; bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Params {
    query: String,
    form: Form,
}

/// The parameters in a body.
#[derive(Debug)]
pub enum Form {
    /// Not decoded yet.
    UrlEncoded(Bytes),
    /// Names and values.
    Multipart(Vec<(String, String)>),
}

impl Params {
    /// The parameters of a URL-encoded query and a form.
    pub fn new(query: String, form: Form) -> Self {
        Self { query, form }
    }

    /// The value of the parameter `name`; `None` if it is missing.
    pub fn optional(&self, name: &str) -> Option<Cow<'_, str>> {
        first(self.query.as_bytes(), name).or_else(|| match &self.form {
            Form::UrlEncoded(bytes) => first(bytes, name),
            Form::Multipart(parts) => parts
                .iter()
                .find(|(part, _)| part == name)
                .map(|(_, value)| Cow::Borrowed(value.as_str())),
        })
    }

    /// The value of the parameter `name`.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterMissing`].
    pub fn required(&self, name: &'static str) -> Result<Cow<'_, str>, ApiError> {
        self.optional(name).ok_or(ApiError::ParameterMissing(name))
    }

    /// Whether the parameter `name` is `true`; a missing or an empty one is not.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`] for what is neither `true` nor `false`.
    pub fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.optional(name).as_deref() {
            Some("true") => Ok(true),
            None | Some("" | "false") => Ok(false),
            Some(_) => Err(ApiError::ParameterInvalid {
                name,
                problem: "is neither true nor false".to_owned(),
            }),
        }
    }

    /// The value of the parameter `name` as a whole number of at most `max`; an empty one counts as missing.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn number(&self, name: &'static str, max: usize) -> Result<Option<usize>, ApiError> {
        let value = self.optional(name);
        let Some(text) = value.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|&number| number <= max);
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(ApiError::ParameterInvalid {
                name,
                problem: format!("is not a whole number from 0 to {max}"),
            }),
        }
    }
}

/// The value of the first pair with this name. Only that pair is decoded, and those before it whose names
/// are encoded.
fn first<'b>(pairs: &'b [u8], name: &str) -> Option<Cow<'b, str>> {
    pairs
        .split(|&byte| byte == b'&')
        .filter(|pair| {
            let key = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
            key == name.as_bytes() || key.iter().any(|byte| matches!(byte, b'%' | b'+'))
        })
        .flat_map(form_urlencoded::parse)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
pub mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str, form: &str) -> Params {
        let form = Form::UrlEncoded(Bytes::copy_from_slice(form.as_bytes()));
        Params::new(query.to_owned(), form)
    }

    #[test]
    fn the_query_takes_precedence_and_then_the_first_value() {
        let both = params("a=1&a=2", "a=3&b=4&b=5");
        assert_eq!(both.optional("a").as_deref(), Some("1"));
        assert_eq!(both.optional("b").as_deref(), Some("4"));
        assert_eq!(both.optional("c"), None);
        assert_eq!(params("a=", "a=3").optional("a").as_deref(), Some(""));
    }

    #[test]
    fn parameters_are_decoded_as_utf_8() {
        let decoded = params("n%61me=z%C3%B6lf+x&bad=%FF%zz", "");
        assert_eq!(decoded.optional("name").as_deref(), Some("zölf x"));
        assert_eq!(decoded.optional("bad").as_deref(), Some("\u{FFFD}%zz"));
    }
}
