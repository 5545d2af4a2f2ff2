//! Whether a document matches: paths through documents and arrays, and predicates of what is there, as MongoDB has
//! them.

use crate::domain::query::filter::{Comparison, Filter, Part, Path, Predicate};
use crate::domain::query::value::{Fields, Value};

/// The field whose fields are looked up one by one.
const ATTRIBUTES: &str = "attributes";

/// Whether the document with these fields matches.
pub fn matches(filter: &Filter, document: &impl Fields) -> bool {
    matches_root(filter, &Stored(document))
}

/// Whether a whole document matches; an array is one whose names are its positions.
pub fn matches_value(filter: &Filter, document: &Value<'_>) -> bool {
    matches_root(filter, document)
}

/// Where paths begin.
trait Root {
    /// Whether `test` holds for what the first parts of the path lead to, and the parts after them.
    fn test(&self, path: &Path, test: impl FnOnce(Option<&Value<'_>>, &[Part]) -> bool) -> bool;
}

/// A document of which each field is looked up.
struct Stored<'d, F>(&'d F);

impl<F: Fields> Root for Stored<'_, F> {
    fn test(&self, path: &Path, test: impl FnOnce(Option<&Value<'_>>, &[Part]) -> bool) -> bool {
        match &*path.parts {
            [top, attribute, rest @ ..] if &*top.name == ATTRIBUTES => {
                test(self.0.attribute(&attribute.name).as_ref(), rest)
            }
            [top, rest @ ..] => test(self.0.field(&top.name).as_ref(), rest),
            [] => test(None, &[]),
        }
    }
}

impl Root for Value<'_> {
    fn test(&self, path: &Path, test: impl FnOnce(Option<&Value<'_>>, &[Part]) -> bool) -> bool {
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

fn matches_root(filter: &Filter, root: &impl Root) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| matches_root(filter, root)),
        Filter::Or(filters) => filters.iter().any(|filter| matches_root(filter, root)),
        Filter::Nor(filters) => !filters.iter().any(|filter| matches_root(filter, root)),
        Filter::Field(path, predicates) => root.test(path, |value, rest| {
            predicates
                .iter()
                .all(|predicate| holds_at(predicate, value, rest))
        }),
    }
}

/// Whether the predicate holds for what is at the path `rest` from a value on.
fn holds_at(predicate: &Predicate, value: Option<&Value<'_>>, rest: &[Part]) -> bool {
    match predicate {
        Predicate::Not(predicates) => !predicates
            .iter()
            .all(|predicate| holds_at(predicate, value, rest)),
        Predicate::All(predicates) => {
            let mut all = predicates.iter();
            !predicates.is_empty() && all.all(|predicate| holds_at(predicate, value, rest))
        }
        _ => visit(value, rest, looks_into_arrays(predicate), &|found| {
            holds(predicate, found)
        }),
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

/// Whether `test` holds for one of the values at the path `parts` from a value on. Where there is no value, it is
/// tested with none: but not for an array of which no item is a document.
fn visit(
    value: Option<&Value<'_>>,
    parts: &[Part],
    into_arrays: bool,
    test: &impl Fn(Option<&Value<'_>>) -> bool,
) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return match value {
            Some(Value::Array(items)) if into_arrays => {
                items.iter().any(|item| test(Some(item))) || test(value)
            }
            _ => test(value),
        };
    };
    match value {
        Some(Value::Array(items)) => visit_items(items, parts, into_arrays, test),
        Some(document) => visit(document.get(&part.name), rest, into_arrays, test),
        None => test(None),
    }
}

/// As [`visit`], from an array on: `parts` lead into each item that is a document, and where the first is a position,
/// the rest leads into the item there.
fn visit_items(
    items: &[Value<'_>],
    parts: &[Part],
    into_arrays: bool,
    test: &impl Fn(Option<&Value<'_>>) -> bool,
) -> bool {
    let is_in_document = |item: &Value<'_>| {
        matches!(item, Value::Document(_)) && visit(Some(item), parts, into_arrays, test)
    };
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
        _ if rest.is_empty() => test(Some(item)),
        Value::Document(_) => visit(Some(item), rest, into_arrays, test),
        Value::Array(items) => visit_items(items, rest, into_arrays, test),
        _ => false,
    }
}

/// Whether the predicate holds for one value, or for there being none.
fn holds(predicate: &Predicate, value: Option<&Value<'_>>) -> bool {
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
            documents.any(|document| matches_value(filter, document))
        }),
        Predicate::ElemMatchValue(predicates) => items(value).is_some_and(|items| {
            items.iter().any(|item| {
                predicates
                    .iter()
                    .all(|predicate| holds(predicate, Some(item)))
            })
        }),
        Predicate::Not(predicates) => !predicates.iter().all(|predicate| holds(predicate, value)),
        Predicate::All(predicates) => {
            let mut all = predicates.iter();
            !predicates.is_empty() && all.all(|predicate| holds(predicate, value))
        }
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
