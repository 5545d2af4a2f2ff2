//! The parameters of a request: those of its query and those of its body.

use std::num::NonZeroUsize;

use memchr::memchr2;
use smallvec::SmallVec;

use crate::http::error::ApiError;

/// The usual number of parameters, for which no memory is allocated.
const USUAL_COUNT: usize = 4;

/// The parameters of a request, decoded in one pass. A name in the query takes precedence over the same name in the
/// body, and the first value of a name over later ones; bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Params {
    /// All names and values, one after the other.
    text: String,
    pairs: SmallVec<[Pair; USUAL_COUNT]>,
    /// So many of them are in the query.
    query_count: usize,
    bearer: Option<Box<str>>,
    count_max: NonZeroUsize,
}

/// Where a parameter is in the text: its name ends where its value begins.
#[derive(Debug)]
struct Pair {
    start: usize,
    value: usize,
    end: usize,
}

impl Params {
    /// The parameters of a URL-encoded query.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooManyParameters`] for more than `count_max`, also when others are added.
    pub fn new(query: &str, count_max: NonZeroUsize) -> Result<Self, ApiError> {
        let mut params = Self {
            text: String::new(),
            pairs: SmallVec::new(),
            query_count: 0,
            bearer: None,
            count_max,
        };
        params.add_url_encoded(query.as_bytes())?;
        params.query_count = params.pairs.len();
        Ok(params)
    }

    /// With the access token of the `Authorization` header.
    pub fn with_bearer(self, bearer: Option<Box<str>>) -> Self {
        Self { bearer, ..self }
    }

    /// The access token of the `Authorization` header.
    pub fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }

    /// Adds the parameters of a URL-encoded form.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooManyParameters`].
    pub fn add_url_encoded(&mut self, form: &[u8]) -> Result<(), ApiError> {
        if form.is_empty() {
            return Ok(());
        }
        self.text.reserve(form.len());
        if let Some(text) = plain(form) {
            for pair in text.split('&').filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                self.add(name, value)?;
            }
            return Ok(());
        }
        for (name, value) in form_urlencoded::parse(form) {
            self.add(&name, &value)?;
        }
        Ok(())
    }

    /// Adds a parameter.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooManyParameters`].
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        if self.pairs.len() >= self.count_max.get() {
            return Err(ApiError::TooManyParameters {
                max: self.count_max,
            });
        }
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value);
        self.pairs.push(Pair {
            start,
            value: middle,
            end: self.text.len(),
        });
        Ok(())
    }

    /// The names and values, those of the query first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| {
            let name = &self.text[pair.start..pair.value];
            (name, &self.text[pair.value..pair.end])
        })
    }

    /// Whether the parameter `name` is in the query.
    pub fn is_in_query(&self, name: &str) -> bool {
        let mut pairs = self.iter().take(self.query_count);
        pairs.any(|(other, _)| other == name)
    }

    /// The value of the parameter `name`; `None` if it is missing.
    pub fn optional(&self, name: &str) -> Option<&str> {
        let mut pairs = self.iter();
        pairs
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The value of the parameter `name`.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterMissing`].
    pub fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.optional(name).ok_or(ApiError::ParameterMissing(name))
    }

    /// Whether the parameter `name` is `true`; a missing or an empty one is not.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`] for what is neither `true` nor `false`.
    pub fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.optional(name) {
            Some("true") => Ok(true),
            None | Some("" | "false") => Ok(false),
            Some(_) => Err(ApiError::invalid(name, "is neither true nor false")),
        }
    }

    /// The value of the parameter `name` as a whole number of at most `max`; an empty one counts as missing.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn number(&self, name: &'static str, max: usize) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.optional(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|&number| number <= max);
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(ApiError::invalid(
                name,
                format!("is not a whole number from 0 to {max}"),
            )),
        }
    }
}

/// The text of a form in which nothing is encoded, as in most: it takes a fraction of the time.
fn plain(form: &[u8]) -> Option<&str> {
    let is_plain = form.is_ascii() && memchr2(b'%', b'+', form).is_none();
    is_plain.then(|| str::from_utf8(form).ok()).flatten()
}

#[cfg(test)]
pub mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");

    fn params(query: &str, form: &str) -> Result<Params, ApiError> {
        let mut params = Params::new(query, MAX)?;
        params.add_url_encoded(form.as_bytes())?;
        Ok(params)
    }

    #[test]
    fn the_query_takes_precedence_and_then_the_first_value() {
        let both = params("a=1", "a=3&b=4").expect("few parameters");
        assert_eq!(both.optional("a"), Some("1"));
        assert_eq!(both.optional("b"), Some("4"));
        assert_eq!(both.optional("c"), None);
        let empty = params("a=", "a=3").expect("few parameters");
        assert_eq!(empty.optional("a"), Some(""));
    }

    #[test]
    fn parameters_are_decoded_as_utf_8() {
        let decoded = params("n%61me=z%C3%B6lf+x&bad=%FF%zz", "").expect("few parameters");
        assert_eq!(decoded.optional("name"), Some("zölf x"));
        assert_eq!(decoded.optional("bad"), Some("\u{FFFD}%zz"));
    }

    #[test]
    fn those_of_the_query_and_of_the_form_are_counted_together() {
        assert!(params("a&&b", "&c").is_ok());
        let error = params("a&b", "c&d").expect_err("too many");
        assert_eq!(error, ApiError::TooManyParameters { max: MAX });
    }
}
