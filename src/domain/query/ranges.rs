//! What every profile is like that a query matches: by it, an index finds them.

use crate::domain::object_id::ObjectId;
use crate::domain::query::filter::{Filter, Path, Predicate};
use crate::domain::query::value::Value;

/// What the usernames are of all profiles that match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UsernameRange<'q> {
    /// Any.
    Any,
    /// This one.
    Exactly(&'q str),
    /// Some of these, each once, in the order of their bytes.
    In(Vec<&'q str>),
    /// Some that begin with this.
    StartsWith(&'q str),
}

/// What the ids are of all profiles that match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdRange {
    /// Any.
    Any,
    /// Some of these, each once, in their order.
    In(Vec<ObjectId>),
}

/// What the usernames are of all profiles that match the filter. Every profile has one, and it is a text.
pub fn usernames(filter: &Filter) -> UsernameRange<'_> {
    let all = conditions(filter, "username").map(username);
    all.fold(UsernameRange::Any, UsernameRange::and)
}

/// What the ids are of all profiles that match the filter.
pub fn ids(filter: &Filter) -> IdRange {
    let all = conditions(filter, "_id").map(id);
    all.fold(IdRange::Any, IdRange::and)
}

/// The predicates that all must hold for the top-level field with this name.
fn conditions<'f>(filter: &'f Filter, name: &str) -> impl Iterator<Item = &'f Predicate> {
    let mut found = Vec::new();
    add_conditions(filter, name, &mut found);
    found.into_iter()
}

fn add_conditions<'f>(filter: &'f Filter, name: &str, found: &mut Vec<&'f Predicate>) {
    match filter {
        Filter::And(filters) => {
            for filter in filters {
                add_conditions(filter, name, found);
            }
        }
        Filter::Field(Path { name: path, .. }, predicates) if **path == *name => {
            found.extend(predicates);
        }
        Filter::Field(..) | Filter::Or(_) | Filter::Nor(_) => {}
    }
}

fn username(predicate: &Predicate) -> UsernameRange<'_> {
    match predicate {
        Predicate::Equal(Value::Text(text)) => UsernameRange::Exactly(text),
        Predicate::Equal(_) => UsernameRange::In(Vec::new()),
        Predicate::In(set) if set.has_values_only() => {
            let texts = set.values().iter().filter_map(|value| match value {
                Value::Text(text) => Some(&**text),
                _ => None,
            });
            UsernameRange::In(texts.collect())
        }
        Predicate::Regex(pattern) => pattern
            .prefix()
            .map_or(UsernameRange::Any, UsernameRange::StartsWith),
        Predicate::All(predicates) => predicates
            .iter()
            .map(username)
            .fold(UsernameRange::Any, UsernameRange::and),
        _ => UsernameRange::Any,
    }
}

impl<'q> UsernameRange<'q> {
    /// Whether the username is in the range.
    pub fn contains(&self, username: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(one) => *one == username,
            Self::In(names) => names.binary_search(&username).is_ok(),
            Self::StartsWith(prefix) => username.starts_with(prefix),
        }
    }

    /// What is in both ranges.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, range) | (range, Self::Any) => range,
            (Self::StartsWith(one), Self::StartsWith(other)) => {
                let (short, long) = if one.len() < other.len() {
                    (one, other)
                } else {
                    (other, one)
                };
                if long.starts_with(short) {
                    Self::StartsWith(long)
                } else {
                    Self::In(Vec::new())
                }
            }
            (Self::Exactly(one), range) | (range, Self::Exactly(one)) => {
                if range.contains(one) {
                    Self::Exactly(one)
                } else {
                    Self::In(Vec::new())
                }
            }
            (Self::In(mut names), range) | (range, Self::In(mut names)) => {
                names.retain(|name| range.contains(name));
                Self::In(names)
            }
        }
    }
}

fn id(predicate: &Predicate) -> IdRange {
    let ids = |values: &[Value<'_>]| {
        let ids = values.iter().filter_map(|value| match value {
            Value::ObjectId(id) => Some(*id),
            _ => None,
        });
        IdRange::In(ids.collect())
    };
    match predicate {
        Predicate::Equal(value) => ids(std::slice::from_ref(value)),
        // No regular expression matches what is no text.
        Predicate::In(set) => ids(set.values()),
        Predicate::All(predicates) => predicates.iter().map(id).fold(IdRange::Any, IdRange::and),
        _ => IdRange::Any,
    }
}

impl IdRange {
    /// What is in both ranges.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, range) | (range, Self::Any) => range,
            (Self::In(mut ids), Self::In(others)) => {
                ids.retain(|id| others.binary_search(id).is_ok());
                Self::In(ids)
            }
        }
    }
}
