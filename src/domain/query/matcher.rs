//! Whether a document matches: paths through documents and arrays, and predicates of what is there, as MongoDB has
//! them.
//!
//! Each look at a value is counted as [`Work`]. Once there was too much, what the rest returns means nothing.

use std::cell::RefCell;

use crate::domain::query::filter::{Comparison, Filter, Part, Path, Predicate};
use crate::domain::query::value::{Fields, Value};
use crate::domain::query::work::Work;

/// The field whose fields are looked up one by one.
const ATTRIBUTES: &str = "attributes";

/// How many fields or items are passed over in the time of a look at a value.
const PARTS_PER_LOOK: usize = 8;

/// Whether the document with these fields matches.
pub fn matches(filter: &Filter, document: &impl Fields, work: &Work) -> bool {
    let root = Stored {
        document,
        decoded: RefCell::default(),
    };
    matches_root(filter, &root, work)
}

/// Whether a whole document matches; an array is one whose names are its positions.
pub fn matches_value(filter: &Filter, document: &Value<'_>, work: &Work) -> bool {
    matches_root(filter, document, work)
}

/// Where the paths of a query begin.
trait Root<'q> {
    /// How many looks at values it takes to look up a field.
    fn looks(&self) -> usize;

    /// Whether `test` holds for what the first parts of the path lead to, and the parts after them.
    fn test(
        &self,
        path: &'q Path,
        test: impl FnOnce(Option<&Value<'_>>, &'q [Part]) -> bool,
    ) -> bool;
}

/// A document of which each field is looked up.
struct Stored<'q, 'd, F> {
    document: &'d F,
    /// The lists and documents among its fields that were looked up, since to decode one for each condition would take
    /// long.
    decoded: RefCell<Vec<(FieldName<'q>, Value<'d>)>>,
}

/// The name of a field, or of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldName<'q> {
    Field(&'q str),
    Attribute(&'q str),
}

impl<'q, F: Fields> Root<'q> for Stored<'q, '_, F> {
    fn looks(&self) -> usize {
        1
    }

    fn test(
        &self,
        path: &'q Path,
        test: impl FnOnce(Option<&Value<'_>>, &'q [Part]) -> bool,
    ) -> bool {
        let (name, rest) = match &*path.parts {
            [top, attribute, rest @ ..] if &*top.name == ATTRIBUTES => {
                (FieldName::Attribute(&attribute.name), rest)
            }
            [top, rest @ ..] => (FieldName::Field(&top.name), rest),
            [] => return test(None, &[]),
        };
        // What `test` looks at is below the root.
        let mut decoded = self.decoded.borrow_mut();
        if let Some((_, value)) = decoded.iter().find(|(found, _)| *found == name) {
            return test(Some(value), rest);
        }
        let value = match name {
            FieldName::Field(name) => self.document.field(name),
            FieldName::Attribute(name) => self.document.attribute(name),
        };
        let holds = test(value.as_ref(), rest);
        if let Some(value @ (Value::Array(_) | Value::Document(_))) = value {
            decoded.push((name, value));
        }
        holds
    }
}

impl<'q> Root<'q> for Value<'_> {
    fn looks(&self) -> usize {
        looks_in(self)
    }

    fn test(
        &self,
        path: &'q Path,
        test: impl FnOnce(Option<&Value<'_>>, &'q [Part]) -> bool,
    ) -> bool {
        let Some((first, rest)) = path.parts.split_first() else {
            return test(None, &[]);
        };
        let found = match self {
            Self::Array(items) => first.index.and_then(|index| items.get(index)),
            _ => self.get(&first.name),
        };
        test(found, rest)
    }
}

fn matches_root<'q>(filter: &'q Filter, root: &impl Root<'q>, work: &Work) -> bool {
    let matches = |filter| matches_root(filter, root, work);
    match filter {
        Filter::And(filters) => filters.iter().all(matches),
        Filter::Or(filters) => filters.iter().any(matches),
        Filter::Nor(filters) => !filters.iter().any(matches),
        Filter::Field(..) if !work.take_looks(root.looks()) => false,
        Filter::Field(path, predicates) => root.test(path, |value, rest| {
            predicates
                .iter()
                .all(|predicate| holds_at(predicate, value, rest, work))
        }),
    }
}

/// Whether the predicate holds for what is at the path `rest` from a value on.
fn holds_at(predicate: &Predicate, value: Option<&Value<'_>>, rest: &[Part], work: &Work) -> bool {
    if work.is_too_much() {
        return false;
    }
    match predicate {
        Predicate::Not(predicates) => !predicates
            .iter()
            .all(|predicate| holds_at(predicate, value, rest, work)),
        Predicate::All(predicates) => {
            let mut all = predicates.iter();
            !predicates.is_empty() && all.all(|predicate| holds_at(predicate, value, rest, work))
        }
        _ => {
            let visit = Visit {
                into_arrays: looks_into_arrays(predicate),
                test: |found: Option<&Value<'_>>| holds(predicate, found, work),
                work,
            };
            visit.at(value, rest)
        }
    }
}

/// Whether an array at the end of a path stands for its items too.
fn looks_into_arrays(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Exists
        | Predicate::Size(_)
        | Predicate::ElemMatch(_)
        | Predicate::ElemMatchValue(_) => false,
        Predicate::Equal(_)
        | Predicate::Compare(..)
        | Predicate::In(_)
        | Predicate::Regex(_)
        | Predicate::Mod(..)
        | Predicate::Type(_)
        | Predicate::Not(_)
        | Predicate::All(_) => true,
    }
}

/// A visit to the values at a path, until a test of one holds.
struct Visit<'w, T> {
    /// Whether an array at the end of the path stands for its items too.
    into_arrays: bool,
    test: T,
    work: &'w Work,
}

impl<T: Fn(Option<&Value<'_>>) -> bool> Visit<'_, T> {
    /// Whether the test holds for one of the values at the path `parts` from a value on. Where there is no value, it is
    /// tested with none: but not for an array of which no item is a document.
    fn at(&self, value: Option<&Value<'_>>, parts: &[Part]) -> bool {
        let Some((part, rest)) = parts.split_first() else {
            return match value {
                Some(Value::Array(items)) if self.into_arrays => {
                    items.iter().any(|item| (self.test)(Some(item))) || (self.test)(value)
                }
                _ => (self.test)(value),
            };
        };
        match value {
            Some(Value::Array(items)) => self.in_items(items, parts),
            Some(document) => {
                self.work.take_looks(looks_in(document)) && self.at(document.get(&part.name), rest)
            }
            None => (self.test)(None),
        }
    }

    /// As [`Self::at`], from an array on: `parts` lead into each item that is a document, and where the first is a
    /// position, the rest leads into the item there.
    fn in_items(&self, items: &[Value<'_>], parts: &[Part]) -> bool {
        if !self.work.take_looks(1 + items.len() / PARTS_PER_LOOK) {
            return false;
        }
        let is_in_document =
            |item: &Value<'_>| matches!(item, Value::Document(_)) && self.at(Some(item), parts);
        if items.iter().any(is_in_document) {
            return true;
        }
        let Some((part, rest)) = parts.split_first() else {
            return false;
        };
        let Some(item) = part.index.and_then(|index| items.get(index)) else {
            return false;
        };
        match item {
            // An array that the path names by its position is not looked into.
            _ if rest.is_empty() => (self.test)(Some(item)),
            Value::Document(_) => self.at(Some(item), rest),
            Value::Array(items) => self.in_items(items, rest),
            _ => false,
        }
    }
}

/// Whether the predicate holds for one value, or for there being none.
fn holds(predicate: &Predicate, value: Option<&Value<'_>>, work: &Work) -> bool {
    if !work.take_looks(looks(predicate, value)) {
        return false;
    }
    match predicate {
        // What is not there is equal to null.
        Predicate::Equal(expected) => value.unwrap_or(&Value::Null).compare(expected).is_eq(),
        Predicate::Compare(comparison, expected) => {
            compares(*comparison, value.unwrap_or(&Value::Null), expected)
        }
        Predicate::In(set) => set.contains(value),
        Predicate::Exists => value.is_some(),
        Predicate::Regex(pattern) => value.is_some_and(|value| pattern.is_match(value)),
        Predicate::Mod(divisor, remainder) => {
            let number = value.and_then(Value::whole_number);
            number.is_some_and(|number| number.checked_rem(*divisor).unwrap_or(0) == *remainder)
        }
        Predicate::Type(types) => value.is_some_and(|value| types.contains(value)),
        Predicate::Size(size) => items(value).is_some_and(|items| items.len() == *size),
        Predicate::ElemMatch(filter) => items(value).is_some_and(|items| {
            let mut documents = items
                .iter()
                .filter(|item| matches!(item, Value::Document(_) | Value::Array(_)));
            documents.any(|document| matches_value(filter, document, work))
        }),
        Predicate::ElemMatchValue(predicates) => items(value).is_some_and(|items| {
            items.iter().any(|item| {
                predicates
                    .iter()
                    .all(|predicate| holds(predicate, Some(item), work))
            })
        }),
        Predicate::Not(predicates) => !predicates
            .iter()
            .all(|predicate| holds(predicate, value, work)),
        Predicate::All(predicates) => {
            let mut all = predicates.iter();
            !predicates.is_empty() && all.all(|predicate| holds(predicate, value, work))
        }
    }
}

/// How many looks at values it takes to go through the fields or the items that it has.
fn looks_in(value: &Value<'_>) -> usize {
    let parts = match value {
        Value::Array(items) => items.len(),
        Value::Document(fields) => fields.len(),
        _ => 0,
    };
    1 + parts / PARTS_PER_LOOK
}

/// How many looks at values the predicate takes for this one, without those of predicates in it.
fn looks(predicate: &Predicate, value: Option<&Value<'_>>) -> usize {
    // To be compared with one of the same type, each value that it has may be looked at.
    let is_same_type =
        |other: &Value<'_>| value.is_some_and(|value| value.type_rank() == other.type_rank());
    let count = || value.map_or(1, Value::count);
    match predicate {
        Predicate::Equal(expected) | Predicate::Compare(_, expected) if is_same_type(expected) => {
            count()
        }
        Predicate::In(set) => set.looks(value.unwrap_or(&Value::Null)),
        Predicate::ElemMatch(_) | Predicate::ElemMatchValue(_) => value.map_or(1, looks_in),
        _ => 1,
    }
}

fn compares(comparison: Comparison, value: &Value<'_>, expected: &Value<'_>) -> bool {
    if value.type_rank() != expected.type_rank() {
        return false;
    }
    // Not-a-number is in no order with another number, although it has a place when numbers are sorted.
    if value.is_nan() != expected.is_nan() {
        return false;
    }
    comparison.allows(value.compare(expected))
}

fn items<'v, 'd>(value: Option<&'v Value<'d>>) -> Option<&'v [Value<'d>]> {
    match value {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    }
}
