//! The parameters of a request: those of its query and those of its body.
//!
//! The rules are those of the wire contract ("General"): a text has all values of its parameter, a boolean, an integer
//! and an order the first one, and a list is one value that is split, or several that are not.

mod value;

use std::borrow::Cow;
use std::iter;
use std::num::NonZeroUsize;

use memchr::memchr2;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use crate::domain::sort_order::SortOrder;
use crate::http::body::document::{self, Document};
use crate::http::client::Client;
use crate::http::error::ApiError;

/// The usual number of parameters, for which no memory is allocated.
const USUAL_COUNT: usize = 4;

const SORT_ORDER: &str = "sortOrder";

/// The parameters of a request, decoded in one pass: those of the query, and then those of the body. Bytes that are not
/// UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Params {
    /// All names and values, one after the other.
    text: String,
    pairs: SmallVec<[Pair; USUAL_COUNT]>,
    /// So many of them are in the query.
    query_count: usize,
    bearer: Option<Box<str>>,
    client: Client,
    /// Where the body must be a JSON document. Boxed because it is rare.
    document: Option<Box<Document>>,
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
            client: Client::default(),
            document: None,
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

    /// With the client that the request is of.
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// The client that the request is of.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the request came over the local socket.
    pub fn is_local(&self) -> bool {
        self.client.is_local
    }

    /// The access token of the `Authorization` header.
    pub fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }

    /// With a body that must be a JSON document, which has not been received.
    pub fn with_document(self, document: Document) -> Self {
        Self {
            document: Some(Box::new(document)),
            ..self
        }
    }

    /// Whether the body must be a JSON document.
    pub fn takes_document(&self) -> bool {
        self.document.is_some()
    }

    /// Sets the body that must be a JSON document.
    pub fn set_document(&mut self, document: Document) {
        self.document = Some(Box::new(document));
    }

    /// Decodes the JSON document that is the body.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyUnsupported`] for a body of another type; [`ApiError::DocumentInvalid`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        document::decode(self.document()?)
    }

    /// The JSON document that is the body, which has not been parsed.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyUnsupported`] for a body of another type; [`ApiError::DocumentInvalid`] if it is empty.
    pub fn document(&self) -> Result<&[u8], ApiError> {
        let document = self.document.as_ref();
        let document = document.expect("the route says that it takes a document");
        document.bytes()
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

    /// The values of the parameter `name`, in their order.
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.iter().filter(move |(other, _)| *other == name);
        pairs.map(|(_, value)| value)
    }

    /// The first value of the parameter `name`; `None` if it is missing.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The text of the parameter `name`, several values joined by commas; `None` if it is missing.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.values(name);
        let first = values.next()?;
        let Some(second) = values.next() else {
            return Some(Cow::Borrowed(first));
        };
        let mut joined = format!("{first},{second}");
        for value in values {
            joined.push(',');
            joined.push_str(value);
        }
        Some(Cow::Owned(joined))
    }

    /// The text of the parameter `name`.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterMissing`].
    pub fn required(&self, name: &'static str) -> Result<Cow<'_, str>, ApiError> {
        self.text(name).ok_or_else(|| missing(name, "String"))
    }

    /// The list that the parameter `name` is; `None` if it is missing. A single value is split at commas and its parts
    /// are trimmed, several values are the parts as they are, and a single empty value is no part.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let mut values = self.values(name);
        let first = values.next()?;
        let mut values = values.map(str::to_owned).peekable();
        if values.peek().is_some() {
            return Some(iter::once(first.to_owned()).chain(values).collect());
        }
        Some(value::split(first))
    }

    /// The list that the parameter `name` is, which has this `kind` in the wire contract ("Errors").
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterMissing`].
    pub fn required_list(
        &self,
        name: &'static str,
        kind: ListKind,
    ) -> Result<Vec<String>, ApiError> {
        self.list(name).ok_or_else(|| missing(name, kind.name()))
    }

    /// Whether the parameter `name` is true; `None` if it is missing or empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`] for what is no boolean.
    pub fn boolean(&self, name: &'static str) -> Result<Option<bool>, ApiError> {
        let value = self.first(name).unwrap_or_default();
        value::boolean(value).map_err(|problem| ApiError::invalid(name, problem))
    }

    /// Whether the parameter `name` is true.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterMissing`]; [`ApiError::ParameterInvalid`] for what is no boolean, and for an empty value.
    pub fn required_boolean(&self, name: &'static str) -> Result<bool, ApiError> {
        if self.first(name).is_none() {
            return Err(missing(name, "boolean"));
        }
        let value = self.boolean(name)?;
        value.ok_or_else(|| ApiError::invalid(name, "is empty"))
    }

    /// The parameter `name` as an integer of 32 bits; `None` if it is missing or empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn integer(&self, name: &'static str) -> Result<Option<i32>, ApiError> {
        let value = self.first(name).unwrap_or_default();
        value::integer(value).map_err(|problem| ApiError::invalid(name, problem))
    }

    /// The parameter `name` as a whole number of at most `max`; `None` if it is missing or empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn number(&self, name: &'static str, max: usize) -> Result<Option<usize>, ApiError> {
        let out_of_range = || {
            let max = max.min(i32::MAX as usize);
            ApiError::invalid(name, format!("is not a whole number from 0 to {max}"))
        };
        match self.integer(name).map_err(|_| out_of_range())? {
            Some(integer) => {
                let number = usize::try_from(integer).ok();
                let number = number.filter(|&number| number <= max);
                number.map(Some).ok_or_else(out_of_range)
            }
            None => Ok(None),
        }
    }

    /// The order that `sortOrder` asks for; descending if it is missing or empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::ParameterInvalid`].
    pub fn sort_order(&self) -> Result<SortOrder, ApiError> {
        match self.first(SORT_ORDER).unwrap_or_default().trim() {
            "ASC" => Ok(SortOrder::Ascending),
            "DESC" | "" => Ok(SortOrder::Descending),
            _ => Err(ApiError::invalid(SORT_ORDER, "is neither ASC nor DESC")),
        }
    }
}

/// What a list is called in the message that it is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKind {
    /// The order does not count.
    Collection,
    /// The order counts.
    List,
}

impl ListKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Collection => "Collection",
            Self::List => "List",
        }
    }
}

const fn missing(name: &'static str, kind: &'static str) -> ApiError {
    ApiError::ParameterMissing { name, kind }
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
    fn the_values_of_the_query_come_before_those_of_the_form() {
        let both = params("a=1", "a=3&b=4").expect("few parameters");
        assert_eq!(both.first("a"), Some("1"));
        assert_eq!(both.text("a").as_deref(), Some("1,3"));
        assert_eq!(both.text("b"), Some(Cow::Borrowed("4")));
        assert_eq!(both.text("c"), None);
        let empty = params("a=", "a=3&a=").expect("few parameters");
        assert_eq!(empty.text("a").as_deref(), Some(",3,"));
    }

    #[test]
    fn lists_are_split_if_they_are_one_value() {
        let list = |query: &str| {
            let params = params(query, "").expect("few parameters");
            params.list("a")
        };
        let expected = |parts: &[&str]| Some(parts.iter().map(|&part| part.to_owned()).collect());
        assert_eq!(list("b=1"), None);
        assert_eq!(list("a="), Some(Vec::new()));
        assert_eq!(list("a=E,+F+,,G"), expected(&["E", "F", "", "G"]));
        assert_eq!(list("a=+"), expected(&[""]));
        assert_eq!(list("a=,"), expected(&["", ""]));
        assert_eq!(list("a=E,F&a=+G"), expected(&["E,F", " G"]));
        assert_eq!(list("a=&a="), expected(&["", ""]));
    }

    #[test]
    fn the_first_value_decides_where_there_can_be_one_only() {
        let params = params("a=yes&a=7&sortOrder=+ASC+", "").expect("few parameters");
        assert_eq!(params.boolean("a"), Ok(Some(true)));
        assert_eq!(params.required_boolean("a"), Ok(true));
        assert!(params.integer("a").is_err());
        assert_eq!(params.sort_order(), Ok(SortOrder::Ascending));
    }

    #[test]
    fn what_is_missing_is_named_with_its_kind() {
        let params = params("a=&sortOrder=asc", "").expect("few parameters");
        let is_missing = |name, kind| Err(missing(name, kind));
        assert_eq!(params.required("b").map(drop), is_missing("b", "String"));
        let list = params.required_list("b", ListKind::List);
        assert_eq!(list.map(drop), is_missing("b", "List"));
        let list = params.required_list("b", ListKind::Collection);
        assert_eq!(list.map(drop), is_missing("b", "Collection"));
        let boolean = params.required_boolean("b");
        assert_eq!(boolean.map(drop), is_missing("b", "boolean"));
        let empty = params.required_boolean("a");
        assert_eq!(empty, Err(ApiError::invalid("a", "is empty")));
        assert_eq!(params.boolean("a"), Ok(None));
        assert_eq!(params.integer("a"), Ok(None));
        assert!(params.sort_order().is_err());
    }

    #[test]
    fn parameters_are_decoded_as_utf_8() {
        let decoded = params("n%61me=z%C3%B6lf+x&bad=%FF%zz", "").expect("few parameters");
        assert_eq!(decoded.first("name"), Some("zölf x"));
        assert_eq!(decoded.first("bad"), Some("\u{FFFD}%zz"));
    }

    #[test]
    fn those_of_the_query_and_of_the_form_are_counted_together() {
        assert!(params("a&&b", "&c").is_ok());
        let error = params("a&b", "c&d").expect_err("too many");
        assert_eq!(error, ApiError::TooManyParameters { max: MAX });
    }
}
