//! What the other implementations are known not to do as MongoDB's manual says, each as narrow as it can be told from
//! one condition and what it meets in the document. `main.rs` has the list in words; the names here are those of it.

use crate::Case;
use crate::leaf::{Leaf, is_of_operators, leaves};
use crate::node::{Node, text};
use crate::reference::Kind;

/// A name, and whether a condition meets it.
type Gap = (&'static str, fn(&Leaf<'_>) -> bool);

/// The first gap that `kind` has with this case.
pub fn gap(kind: Kind, case: &Case) -> Option<&'static str> {
    let leaves = leaves(&case.filter, &[&case.document]);
    let gaps = match kind {
        Kind::Mongomock => MONGOMOCK,
        Kind::Mingo => MINGO,
    };
    let mut met = gaps.iter().filter(|(_, is_met)| leaves.iter().any(is_met));
    met.next().map(|(name, _)| *name)
}

const EQUALITIES: [&str; 6] = ["$eq", "$ne", "$in", "$nin", "$all", "$elemMatch"];
const ORDERS: [&str; 4] = ["$gt", "$gte", "$lt", "$lte"];
const SETS: [&str; 2] = ["$in", "$nin"];

const MONGOMOCK: &[Gap] = &[
    ("no modulo", |leaf| leaf.operator == "$mod"),
    ("booleans are numbers", |leaf| {
        let (bools, numbers) = (leaf.operand.any(is_bool), leaf.operand.any(is_zero_or_one));
        let reached = &leaf.reached;
        EQUALITIES.contains(&leaf.operator)
            && (bools && reached.any(|value| value.any(is_zero_or_one))
                || numbers && reached.any(|value| value.any(is_bool)))
    }),
    ("types by name alone", |leaf| {
        let is_named = matches!(leaf.operand, Node::Text(_)) && *leaf.operand != text("null");
        leaf.operator == "$type" && !is_named
    }),
    ("integers of 33 bits", |leaf| {
        leaf.operator == "$type" && leaf.reached.any(|value| *value == Node::Int(1 << 31))
    }),
    ("paths without an end", |leaf| {
        let reached = &leaf.reached;
        reached.goes_below_scalar
            || reached.crosses_others
            || reached.crosses_array && reached.values.is_empty()
    }),
    ("positions", |leaf| leaf.reached.has_index),
    ("existence in arrays", |leaf| {
        leaf.operator == "$exists" && leaf.reached.crosses_array
    }),
    ("one element for all", |leaf| {
        leaf.reached.crosses_array && leaf.condition.len() > 1
    }),
    ("all", |leaf| {
        let operands = leaf.operand.items();
        let is_beyond = operands.is_empty()
            || leaf.operand.any(|node| is_regex(node) || is_null(node))
            || operands.iter().any(is_array);
        let reached = &leaf.reached;
        let is_nested = reached.crosses_array || reached.has_nested_array();
        let is_of_elements = operands.iter().any(|operand| !operand.fields().is_empty());
        let has_others = reached.lacks() || !reached.values.iter().all(|value| is_array(value));
        let is_of_others = is_of_elements && has_others;
        let is_unlike = is_beyond || is_nested || is_of_others || leaf.condition.len() > 1;
        leaf.operator == "$all" && is_unlike
    }),
    ("size of what is no array", |leaf| {
        leaf.operator == "$size" && !leaf.reached.values.iter().all(|value| is_array(value))
    }),
    ("elements", |leaf| {
        let mut operators = leaf.operand.fields().iter();
        let has_not = operators.any(|(name, _)| name == "$not");
        leaf.operator == "$elemMatch" && (has_not || filters_other_elements(leaf))
    }),
    ("whole arrays", |leaf| {
        let is_of_arrays = leaf.operand.items().iter().any(is_array);
        SETS.contains(&leaf.operator) && is_of_arrays
            || is_array(leaf.operand) && leaf.reached.has_nested_array()
    }),
    ("empty document", |leaf| {
        leaf.operator == "$eq"
            && *leaf.operand == Node::Document(Vec::new())
            && leaf.reached.lacks()
    }),
    ("order of null", has_null_order),
    ("options within not", |leaf| {
        leaf.operator == "$options" && leaf.is_negated
    }),
];

const MINGO: &[Gap] = &[
    ("all numbers are doubles", |leaf| {
        let is_beyond = |node: &Node| node.any(is_beyond_double);
        is_beyond(leaf.operand)
            || leaf.reached.any(is_beyond)
            || leaf.operator == "$type" && leaf.reached.any(is_number)
    }),
    ("types", |leaf| {
        let reached = &leaf.reached;
        let has_id = reached.any(|value| matches!(value, Node::Id(_)));
        leaf.operator == "$type" && (has_id || reached.has_array())
    }),
    ("option x", |leaf| {
        let has_option =
            |node: &Node| matches!(node, Node::Regex { options, .. } if options.contains('x'));
        leaf.operand.any(has_option) || leaf.operator == "$options" && *leaf.operand == text("x")
    }),
    ("paths into arrays", |leaf| {
        const OF_WHOLE_VALUES: [&str; 5] = ["$exists", "$size", "$all", "$elemMatch", "$type"];
        let reached = &leaf.reached;
        let is_mixed = reached.lacks() || reached.has_array() || reached.crosses_others;
        reached.crosses_array && (is_mixed || OF_WHOLE_VALUES.contains(&leaf.operator))
    }),
    ("positions", |leaf| leaf.reached.has_index),
    ("nested arrays", |leaf| leaf.reached.has_nested_array()),
    ("whole arrays", |leaf| {
        let has_array = leaf.operand.items().iter().any(is_array);
        let is_order = ORDERS.contains(&leaf.operator) && is_array(leaf.operand);
        is_order || has_array && (SETS.contains(&leaf.operator) || leaf.operator == "$all")
    }),
    ("order of documents", |leaf| {
        ORDERS.contains(&leaf.operator) && is_document(leaf.operand)
    }),
    ("order of null", has_null_order),
    ("modulo of what is no integer", |leaf| {
        leaf.operator == "$mod" && leaf.reached.any(|value| !matches!(value, Node::Int(_)))
    }),
    ("all of what is no array", |leaf| {
        let values = &leaf.reached.values;
        let are_arrays = !values.is_empty() && values.iter().all(|value| is_array(value));
        leaf.operator == "$all" && !are_arrays
    }),
    ("elements", |leaf| {
        leaf.operator == "$elemMatch" && filters_other_elements(leaf)
    }),
];

/// Whether a filter of documents is for elements some of which are none.
fn filters_other_elements(leaf: &Leaf<'_>) -> bool {
    let is_other = |value: &Node| !is_document(value) && !is_array(value);
    !is_of_operators(leaf.operand) && leaf.reached.any(is_other)
}

fn has_null_order(leaf: &Leaf<'_>) -> bool {
    ORDERS.contains(&leaf.operator) && is_null(leaf.operand) && leaf.reached.lacks()
}

fn is_array(node: &Node) -> bool {
    matches!(node, Node::Array(_))
}

fn is_document(node: &Node) -> bool {
    matches!(node, Node::Document(_))
}

fn is_number(node: &Node) -> bool {
    matches!(node, Node::Int(_) | Node::Double(_))
}

fn is_bool(node: &Node) -> bool {
    matches!(node, Node::Bool(_))
}

fn is_null(node: &Node) -> bool {
    matches!(node, Node::Null)
}

fn is_regex(node: &Node) -> bool {
    matches!(node, Node::Regex { .. })
}

fn is_beyond_double(node: &Node) -> bool {
    matches!(node, Node::Int(value) if value.unsigned_abs() > 1 << 53)
}

fn is_zero_or_one(node: &Node) -> bool {
    match node {
        Node::Int(value) => (0..=1).contains(value),
        Node::Double(value) => [0.0, 1.0].contains(value),
        _ => false,
    }
}
