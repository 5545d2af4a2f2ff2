//! What a query is as text, with positions.

use std::borrow::Cow;

use crate::domain::query::value::Value;

/// A value of a query, and where it is.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    /// The byte at which it begins.
    pub at: usize,
    /// What it is.
    pub kind: Kind<'t>,
}

/// What a value of a query is.
#[derive(Clone, Debug)]
pub enum Kind<'t> {
    /// A value that has no parts.
    Scalar(Value<'t>),
    /// A regular expression between slashes, and the options after it.
    Regex(Cow<'t, str>, &'t str),
    /// A list.
    Array(Vec<Node<'t>>),
    /// A document. The same name may be there several times.
    Document(Vec<Field<'t>>),
}

/// A field of a document.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    /// The byte at which its name begins.
    pub at: usize,
    /// Its name.
    pub name: Cow<'t, str>,
    /// Its value.
    pub value: Node<'t>,
}
