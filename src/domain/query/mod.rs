//! Query documents of MongoDB in relaxed JSON, and whether a profile matches one (wire contract, "Queries").
//!
//! ```text
//! text → syntax (a tree with positions) → compile (a filter) → matcher
//! ```
//!
//! The parser is our own. Those of MongoDB's extended JSON and of JSON5 that are published build maps, which lose the
//! first of two equal keys, although both conditions hold; they do not know `ObjectId('…')`, `ISODate('…')` and
//! `/re/i`; and most recurse as deeply as their input is nested. This one refuses what is nested deeper than
//! [`syntax::DEPTH_MAX`], and its time is linear. Comments are refused, as in all JSON here.

mod any_case;
mod compile;
pub mod error;
mod filter;
mod literal;
mod matcher;
mod operands;
mod pattern;
pub mod ranges;
mod syntax;
mod tree;
pub mod value;
mod work;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;

use std::sync::Arc;

use crate::domain::query::compile::compile;
use crate::domain::query::error::QueryError;
use crate::domain::query::filter::Filter;
use crate::domain::query::ranges::{IdRange, UsernameRange};
use crate::domain::query::value::{Fields, Value};
use crate::domain::query::work::Work;

/// The value that `text` is, written as the values of queries are.
///
/// # Errors
///
/// Where it is malformed.
pub fn parse_value(text: &str) -> Result<Value<'_>, QueryError> {
    let parsed = syntax::parse(text).and_then(operands::literal);
    parsed.map_err(|error| error.with_position_in(text))
}

/// What profiles have to be like.
#[derive(Debug)]
pub struct Query {
    filter: Filter,
    /// The dotted names of the fields of a profile that it names, each once, in order.
    fields: Vec<Box<str>>,
    /// How much work the profile was that was matched last.
    work: Arc<Work>,
}

impl Query {
    /// The query that `text` is. Blank text is the query that everything matches.
    ///
    /// # Errors
    ///
    /// What is wrong with it and where: it is malformed, has an operator that is unknown, names what no query may name,
    /// or is too large: nested too deeply, with too many conditions, or with a regular expression that takes too much
    /// memory.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let work = Arc::default();
        let filter = if text.trim().is_empty() {
            Filter::And(Vec::new())
        } else {
            let parsed = syntax::parse(text).and_then(|query| compile(query, &work));
            parsed.map_err(|error| error.with_position_in(text))?
        };
        let mut fields = Vec::new();
        filter.visit_paths(&mut |path| fields.push(path.name.clone()));
        fields.sort_unstable();
        fields.dedup();
        Ok(Self {
            filter,
            fields,
            work,
        })
    }

    /// Whether the document with these fields matches. It means nothing if that was
    /// [too much work](Self::was_too_much_work).
    pub fn matches(&self, document: &impl Fields) -> bool {
        self.work.begin();
        matcher::matches(&self.filter, document, &self.work)
    }

    /// Whether a whole document matches.
    pub fn matches_document(&self, document: &Value<'_>) -> bool {
        self.work.begin();
        matcher::matches_value(&self.filter, document, &self.work)
    }

    /// Whether the document that was matched last has so many values, or texts so long, that matching was given up.
    pub fn was_too_much_work(&self) -> bool {
        self.work.is_too_much()
    }

    /// The dotted names of the fields of a profile that it names, each once. What `$elemMatch` names is a part of them.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|name| &**name)
    }

    /// The names of the top-level fields that matching reads. Some may be there several times.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        self.fields()
            .map(|name| name.split_once('.').map_or(name, |(top, _)| top))
    }

    /// What the username of every profile is that matches.
    pub fn usernames(&self) -> UsernameRange<'_> {
        ranges::usernames(&self.filter)
    }

    /// What the id of every profile is that matches.
    pub fn ids(&self) -> IdRange {
        ranges::ids(&self.filter)
    }
}
