//! Filters of every operator, whose paths and values are mostly those of a given document.

use crate::documents::{IDS, NAMES, PROFILE, TEXTS, scalar, value};
use crate::draw::Draw;
use crate::node::{MOMENTS, Node, document, text};
use crate::random::Random;

/// The operators on a field's value.
pub const FIELD_OPERATORS: [&str; 16] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$regex",
    "$all",
    "$size",
    "$elemMatch",
    "$type",
    "$mod",
    "$not",
];

/// The operators on filters.
pub const LOGICAL_OPERATORS: [&str; 3] = ["$and", "$or", "$nor"];

/// Patterns that mean the same in Python, in JavaScript, and here.
const PATTERNS: [(&str, &str); 16] = [
    ("^a", ""),
    ("^A", "i"),
    ("b$", ""),
    (".*D.*", "i"),
    (".*d.*", ""),
    ("^É$", "i"),
    ("a.b", ""),
    ("a.b", "s"),
    ("^b", "m"),
    ("(a|x) ?b?y?", ""),
    ("[0-9a-c]{2}", ""),
    ("^$", ""),
    ("^x[ ]y$", ""),
    ("日", ""),
    ("^(?:jd|ad)", "is"),
    ("a b", "x"),
];

/// The names of types, and their numbers.
pub const TYPES: [(&str, i64); 10] = [
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("int", 16),
    ("long", 18),
];

/// How deep filters are nested.
const DEPTH: u64 = 3;

/// A filter of which `document` is a likely match.
pub fn filter(random: &Random, document: &Node) -> Node {
    filter_below(random, document, DEPTH)
}

fn filter_below(random: &Random, document: &Node, depth: u64) -> Node {
    let count = random.one_of(&[1, 1, 1, 2, 3]);
    let mut fields: Vec<(String, Node)> = Vec::new();
    for _ in 0..count {
        let field = match random.below(4) {
            0 if depth > 0 => logical(random, document, depth - 1),
            _ => {
                let (path, found) = path(random, document);
                (path, condition(random, found, depth))
            }
        };
        fields.push(field);
    }
    // Both conditions of a field that is named twice must hold.
    if random.below(6) == 0 {
        let (path, found) = path(random, document);
        fields.insert(0, (path.clone(), condition(random, found, depth)));
        fields.push((path, condition(random, found, depth)));
    }
    Node::Document(fields)
}

fn logical(random: &Random, document: &Node, depth: u64) -> (String, Node) {
    let filters = (0..=random.below(3)).map(|_| filter_below(random, document, depth));
    let operator = random.one_of(&LOGICAL_OPERATORS);
    (operator.to_owned(), Node::Array(filters.collect()))
}

/// A path, and what is there. Most paths lead to something.
fn path<'d>(random: &Random, document: &'d Node) -> (String, Option<&'d Node>) {
    let mut parts = Vec::new();
    let mut at = Some(document);
    loop {
        let stops = !parts.is_empty() && random.below(4) == 0;
        match at {
            Some(Node::Document(fields))
                if !stops && !fields.is_empty() && random.below(10) > 0 =>
            {
                let attributes = fields.iter().position(|(name, _)| name == "attributes");
                let at_random = random.index(fields.len());
                let chosen = attributes
                    .filter(|_| random.below(3) > 0)
                    .unwrap_or(at_random);
                let (name, value) = &fields[chosen];
                parts.push(name.clone());
                at = Some(value);
            }
            Some(Node::Array(items)) if !stops && !items.is_empty() => {
                let index = random.index(items.len());
                if random.below(3) == 0 {
                    parts.push(index.to_string());
                }
                at = Some(&items[index]);
            }
            _ if parts.is_empty() || !stops && random.below(6) == 0 => {
                let names: &[&str] = if parts.is_empty() { &PROFILE } else { &NAMES };
                parts.push(random.one_of(names).to_owned());
                at = None;
            }
            _ => return (parts.join("."), at),
        }
    }
}

/// A condition that `found` is likely to meet.
fn condition(random: &Random, found: Option<&Node>, depth: u64) -> Node {
    match random.below(8) {
        0 => operand(random, found),
        1 => regex(random),
        2 => {
            let mut fields = operators(random, found, depth);
            let more = operators(random, found, depth);
            // An operator that is repeated within one condition is not the filter that this is about.
            let has = |fields: &[(String, Node)], name: &str| {
                fields.iter().any(|(other, _)| other == name)
            };
            let more: Vec<_> = more
                .into_iter()
                .filter(|(name, _)| !has(&fields, name))
                .collect();
            fields.extend(more);
            Node::Document(fields)
        }
        _ => Node::Document(operators(random, found, depth)),
    }
}

/// An operator that is often of use for what was found.
fn operator(random: &Random, found: Option<&Node>) -> &'static str {
    let often: &[&str] = match found {
        _ if random.below(4) == 0 => &FIELD_OPERATORS,
        Some(Node::Array(_)) => &[
            "$all",
            "$size",
            "$elemMatch",
            "$elemMatch",
            "$in",
            "$nin",
            "$eq",
            "$exists",
        ],
        Some(Node::Text(_)) => &["$regex", "$eq", "$in", "$gt", "$lte", "$not", "$all"],
        Some(Node::Int(_) | Node::Double(_)) => &[
            "$mod", "$mod", "$gt", "$gte", "$lt", "$lte", "$in", "$type", "$not",
        ],
        Some(_) => &["$eq", "$ne", "$gte", "$lte", "$in", "$exists", "$type"],
        None => &["$eq", "$ne", "$in", "$nin", "$exists", "$not"],
    };
    random.one_of(often)
}

/// One operator with its operand; `$regex` with its options.
fn operators(random: &Random, found: Option<&Node>, depth: u64) -> Vec<(String, Node)> {
    let operator = operator(random, found);
    let operand = match operator {
        "$in" | "$nin" => many(random, |random| match random.below(6) {
            0 => regex(random),
            _ => operand(random, found),
        }),
        "$exists" => match random.below(4) {
            0 => Node::Int(1),
            1 => Node::Int(0),
            other => Node::Bool(other == 2),
        },
        "$regex" => return regex_operators(random),
        "$all" => all(random, found, depth),
        "$size" => {
            let length = found.map_or(0, |found| found.items().len());
            let length = i64::try_from(length).expect("arrays are short");
            Node::Int(random.one_of(&[length, length, 0, 1, 2]))
        }
        "$elemMatch" => elem_match(random, found, depth),
        "$type" => types(random, found),
        "$mod" => {
            let divisor = random.one_of(&[1, 2, 3, -2, 4]);
            let remainder = match found {
                Some(Node::Int(value)) => value % divisor,
                _ => random.one_of(&[0, 1, -1]),
            };
            Node::Array(vec![Node::Int(divisor), Node::Int(remainder)])
        }
        "$not" if depth == 0 || random.below(4) == 0 => regex(random),
        "$not" => Node::Document(operators(random, found, depth - 1)),
        _ => operand(random, found),
    };
    vec![(operator.to_owned(), operand)]
}

fn many(random: &Random, item: impl Fn(&Random) -> Node) -> Node {
    Node::Array((0..random.below(4)).map(|_| item(random)).collect())
}

fn all(random: &Random, found: Option<&Node>, depth: u64) -> Node {
    let items = found.map(Node::items).unwrap_or_default();
    if depth > 0 && random.below(4) == 0 {
        return many(random, |random| {
            document([("$elemMatch", elem_match(random, found, depth - 1))])
        });
    }
    many(random, |random| match random.below(6) {
        0 => operand(random, found),
        _ if !items.is_empty() => items[random.index(items.len())].clone(),
        _ => operand(random, found),
    })
}

/// A filter of documents, or operators on values, whichever the first item of an array is.
fn elem_match(random: &Random, found: Option<&Node>, depth: u64) -> Node {
    let items = found.map(Node::items).unwrap_or_default();
    let item = (!items.is_empty()).then(|| &items[random.index(items.len())]);
    match item {
        Some(item @ Node::Document(fields))
            if depth > 0 && !fields.is_empty() && random.below(8) > 0 =>
        {
            filter_below(random, item, depth - 1)
        }
        _ => Node::Document(operators(random, item, depth.saturating_sub(1))),
    }
}

fn types(random: &Random, found: Option<&Node>) -> Node {
    let of_found = match found {
        Some(Node::Null) => "null",
        Some(Node::Bool(_)) => "bool",
        Some(Node::Int(value)) if i32::try_from(*value).is_ok() => "int",
        Some(Node::Int(_)) => "long",
        Some(Node::Double(_)) => "double",
        Some(Node::Id(_)) => "objectId",
        Some(Node::Date(_)) => "date",
        Some(Node::Array(_)) => "array",
        Some(Node::Document(_)) => "object",
        Some(Node::Text(_) | Node::Regex { .. }) | None => "string",
    };
    let one = |random: &Random| match random.below(8) {
        0 => text("number"),
        1..=2 => text(random.one_of(&TYPES).0),
        3 => Node::Int(random.one_of(&TYPES).1),
        _ => text(of_found),
    };
    match random.below(4) {
        0 => Node::Array((0..=random.below(2)).map(|_| one(random)).collect()),
        _ => one(random),
    }
}

/// What `found` is, or is close to.
fn operand(random: &Random, found: Option<&Node>) -> Node {
    match found {
        Some(found) if random.below(8) > 0 => match (found, random.below(4)) {
            (Node::Int(value), 0) => Node::Int(value + 1),
            (Node::Int(value), 1) if i32::try_from(*value).is_ok() => Node::Double(*value as f64),
            (Node::Double(value), 0) => Node::Double(value * 2.0),
            (Node::Text(_), 0) => text(random.one_of(&TEXTS)),
            (Node::Id(_), 0) => Node::Id(random.one_of(&IDS)),
            (Node::Date(_), 0) => Node::Date(random.index(MOMENTS.len())),
            (Node::Array(items), 0..=1) if !items.is_empty() => {
                items[random.index(items.len())].clone()
            }
            _ => found.clone(),
        },
        None if random.below(2) == 0 => Node::Null,
        _ if random.below(3) == 0 => value(random, 1),
        _ => scalar(random),
    }
}

fn regex(random: &Random) -> Node {
    let (pattern, options) = random.one_of(&PATTERNS);
    Node::Regex { pattern, options }
}

fn regex_operators(random: &Random) -> Vec<(String, Node)> {
    let (pattern, options) = random.one_of(&PATTERNS);
    if random.below(4) == 0 {
        return vec![("$regex".to_owned(), Node::Regex { pattern, options })];
    }
    let mut fields = vec![("$regex".to_owned(), text(pattern))];
    if !options.is_empty() || random.below(4) == 0 {
        let at = random.index(2);
        fields.insert(at, ("$options".to_owned(), text(options)));
    }
    fields
}

/// The filter that means the same and repeats no field, which the objects of Python and JavaScript cannot.
pub fn without_repeats(filter: &Node) -> Node {
    match filter {
        Node::Array(items) => Node::Array(items.iter().map(without_repeats).collect()),
        Node::Document(fields) => {
            let mut single: Vec<(String, Node)> = Vec::new();
            let mut repeated = Vec::new();
            for (name, value) in fields {
                let value = without_repeats(value);
                if single.iter().any(|(other, _)| other == name) {
                    repeated.push(Node::Document(vec![(name.clone(), value)]));
                } else {
                    single.push((name.clone(), value));
                }
            }
            if repeated.is_empty() {
                return Node::Document(single);
            }
            repeated.insert(0, Node::Document(single));
            document([("$and", Node::Array(repeated))])
        }
        other => other.clone(),
    }
}
