//! Profiles as they are stored, with attributes of every kind.

use crate::draw::Draw;
use crate::node::{MOMENTS, Node, document, text};
use crate::random::Random;

/// The names of attributes and of the fields within them, in the order in which documents have them.
pub const NAMES: [&str; 7] = ["0", "a", "b", "contexts", "id", "n", "ß"];

/// What texts are.
pub const TEXTS: [&str; 10] = ["", "1", "A", "a", "a\nb", "ab", "admin", "é", "x y", "日本"];

/// What ids are.
pub const IDS: [&str; 3] = [
    "5925a68def86951f895cf497",
    "5925a68def86951f895cf498",
    "ffffffffffffffffffffffff",
];

const INTS: [i64; 9] = [-3, 0, 1, 1, 2, 5, 100, 2_147_483_648, 9_007_199_254_740_993];

const DOUBLES: [f64; 6] = [-0.5, 1.0, 1.5, 2.0, 9_007_199_254_740_992.0, 1e300];

/// The names of what a profile has beside attributes, which are in this order too.
pub const PROFILE: [&str; 9] = [
    "_id",
    "attributes",
    "createdOn",
    "email",
    "enabled",
    "lastModified",
    "roles",
    "username",
    "verified",
];

/// A profile.
pub fn profile(random: &Random) -> Node {
    if random.below(16) == 0 {
        return with_contexts();
    }
    let mut fields = vec![
        ("_id", id(random)),
        ("attributes", Node::Null),
        ("createdOn", date(random)),
        (
            "email",
            text(random.one_of(&["a@b", "", "jdoe@example.com"])),
        ),
        ("enabled", Node::Bool(random.below(2) == 0)),
        ("lastModified", date(random)),
        ("roles", Node::Null),
        (
            "username",
            text(random.one_of(&["jdoe", "JDoe", "admin", "ada", "é"])),
        ),
        ("verified", Node::Bool(random.below(2) == 0)),
    ];
    // One that was created without roles or attributes has no such field.
    fields.retain(|(name, _)| *name != "roles" && *name != "attributes" || random.below(8) > 0);
    for (name, value) in &mut fields {
        match *name {
            "attributes" => *value = inner_document(random, 4),
            "roles" => *value = roles(random),
            _ => {}
        }
    }
    let fields = fields.into_iter();
    Node::Document(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn roles(random: &Random) -> Node {
    let roles = (0..random.below(4)).map(|_| text(random.one_of(&["admin", "user", "a"])));
    Node::Array(roles.collect())
}

fn inner_document(random: &Random, depth: u64) -> Node {
    let names = NAMES.iter().filter(|_| random.below(2) == 0);
    let fields = names.map(|name| ((*name).to_owned(), value(random, depth - 1)));
    Node::Document(fields.collect())
}

/// Any value with so many levels below it at most.
pub fn value(random: &Random, depth: u64) -> Node {
    let of_documents = |random: &Random| inner_document(random, depth);
    match random.below(10) {
        0 if depth > 0 => inner_document(random, depth),
        1 if depth > 0 => array(random, |random| value(random, depth - 1)),
        2 if depth > 0 => array(random, of_documents),
        3 => array(random, scalar),
        _ => scalar(random),
    }
}

fn array(random: &Random, item: impl Fn(&Random) -> Node) -> Node {
    Node::Array((0..random.below(4)).map(|_| item(random)).collect())
}

/// A value that holds no other.
pub fn scalar(random: &Random) -> Node {
    match random.below(12) {
        0 => Node::Null,
        1 => Node::Bool(random.below(2) == 0),
        2 => date(random),
        3 => id(random),
        4..=5 => Node::Double(random.one_of(&DOUBLES)),
        6..=8 => Node::Int(random.one_of(&INTS)),
        _ => text(random.one_of(&TEXTS)),
    }
}

fn id(random: &Random) -> Node {
    Node::Id(random.one_of(&IDS))
}

fn date(random: &Random) -> Node {
    Node::Date(random.index(MOMENTS.len()))
}

/// What the social module stores: it asks for ids of contexts and for roles in them.
fn with_contexts() -> Node {
    let context = |id: &str, role: &str| {
        let roles = Node::Array(vec![text(role)]);
        document([("id", text(id)), ("roles", roles)])
    };
    let contexts = Node::Array(vec![context("x", "admin"), context("y", "user")]);
    document([("attributes", document([("contexts", contexts)]))])
}
