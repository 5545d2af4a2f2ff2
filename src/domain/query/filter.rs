//! A query, ready to be matched.

use std::cmp::Ordering;

use crate::domain::query::pattern::Pattern;
use crate::domain::query::value::Value;

/// What a document has to be like.
#[derive(Debug)]
pub enum Filter {
    /// All of these hold.
    And(Vec<Self>),
    /// One of these holds.
    Or(Vec<Self>),
    /// None of these holds.
    Nor(Vec<Self>),
    /// All of these hold for what is at the path.
    Field(Path, Vec<Predicate>),
}

/// A dotted name.
#[derive(Debug)]
pub struct Path {
    /// It, as text.
    pub name: Box<str>,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A part of a dotted name.
#[derive(Debug)]
pub struct Part {
    /// The name of a field.
    pub name: Box<str>,
    /// The position in an array that it is too, from 0.
    pub index: Option<usize>,
}

/// What values at a path have to be like. Except for the last two it holds if it does for one of several values.
#[derive(Debug)]
pub enum Predicate {
    /// Equal to this one.
    Equal(Value<'static>),
    /// In this order to that one, and of the same type.
    Compare(Comparison, Value<'static>),
    /// In this set.
    In(Set),
    /// There.
    Exists,
    /// A text that the regular expression matches.
    Regex(Pattern),
    /// A number that has this remainder, divided by the first one.
    Mod(i64, i64),
    /// Of one of these types.
    Type(Types),
    /// An array of this length.
    Size(usize),
    /// An array with an item that is a document or an array with these fields.
    ElemMatch(Filter),
    /// An array with an item for which these hold.
    ElemMatchValue(Vec<Self>),
    /// Not all of these hold.
    Not(Vec<Self>),
    /// All of these hold, and there is one.
    All(Vec<Self>),
}

/// An order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
}

impl Comparison {
    /// Whether two values with this order are in it.
    pub fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

/// Values and regular expressions.
#[derive(Debug)]
pub struct Set {
    /// Sorted, each once.
    values: Vec<Value<'static>>,
    patterns: Vec<Pattern>,
    /// Whether one of the values has others.
    has_parts: bool,
}

impl Set {
    /// The set of these.
    pub fn new(mut values: Vec<Value<'static>>, patterns: Vec<Pattern>) -> Self {
        values.sort_unstable_by(Value::compare);
        values.dedup_by(|one, other| one.compare(other).is_eq());
        let has_parts = values.iter().any(|value| value.count() > 1);
        Self {
            values,
            patterns,
            has_parts,
        }
    }

    /// Whether it has the value, or a regular expression that matches it. What is not there is equal to null.
    pub fn contains(&self, value: Option<&Value<'_>>) -> bool {
        let value = value.unwrap_or(&Value::Null);
        let found = self.values.binary_search_by(|found| found.compare(value));
        found.is_ok() || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }

    /// How many values are looked at to find this one.
    pub fn looks(&self, value: &Value<'_>) -> usize {
        // It is looked for by halves.
        let halves = 1 + self.values.len().checked_ilog2().unwrap_or(0) as usize;
        halves * if self.has_parts { value.count() } else { 1 }
    }

    /// Its values.
    pub fn values(&self) -> &[Value<'static>] {
        &self.values
    }

    /// Whether it has values only.
    pub fn has_values_only(&self) -> bool {
        self.patterns.is_empty()
    }
}

/// Types of values.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Types(u32);

impl Types {
    /// The types that MongoDB knows by these numbers and names. Those without a bit are types that no value here has.
    const KNOWN: [(i64, &'static str, u32); 21] = [
        (1, "double", 1),
        (2, "string", 2),
        (3, "object", 4),
        (4, "array", 8),
        (5, "binData", 0),
        (6, "undefined", 0),
        (7, "objectId", 16),
        (8, "bool", 32),
        (9, "date", 64),
        (10, "null", 128),
        (11, "regex", 0),
        (12, "dbPointer", 0),
        (13, "javascript", 0),
        (14, "symbol", 0),
        (15, "javascriptWithScope", 0),
        (16, "int", 256),
        (17, "timestamp", 0),
        (18, "long", 512),
        (19, "decimal", 0),
        (-1, "minKey", 0),
        (127, "maxKey", 0),
    ];

    /// The type with this name; `number` are all types of numbers.
    pub fn by_name(name: &str) -> Option<Self> {
        if name == "number" {
            return Some(Self(1 | 256 | 512));
        }
        let known = Self::KNOWN.iter().find(|(_, known, _)| *known == name);
        known.map(|(_, _, bit)| Self(*bit))
    }

    /// The type with this number.
    pub fn by_number(number: i64) -> Option<Self> {
        let known = Self::KNOWN.iter().find(|(known, _, _)| *known == number);
        known.map(|(_, _, bit)| Self(*bit))
    }

    /// These and those.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the value is of one of them.
    pub fn contains(self, value: &Value<'_>) -> bool {
        let bit = match value {
            Value::Double(_) => 1,
            Value::Text(_) => 2,
            Value::Document(_) => 4,
            Value::Array(_) => 8,
            Value::ObjectId(_) => 16,
            Value::Bool(_) => 32,
            Value::Date(_) => 64,
            Value::Null => 128,
            // MongoDB's clients store a whole number in as few bits as it needs.
            Value::Int(number) if i32::try_from(*number).is_ok() => 256,
            Value::Int(_) => 512,
        };
        self.0 & bit != 0
    }
}

impl Filter {
    /// Calls `visit` with every path into the document.
    pub fn visit_paths<'f>(&'f self, visit: &mut impl FnMut(&'f Path)) {
        match self {
            Self::And(filters) | Self::Or(filters) | Self::Nor(filters) => {
                for filter in filters {
                    filter.visit_paths(visit);
                }
            }
            Self::Field(path, _) => visit(path),
        }
    }
}
