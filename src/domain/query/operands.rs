//! What operators take.

use crate::domain::query::error::QueryError;
use crate::domain::query::filter::{Predicate, Types};
use crate::domain::query::tree::{Kind, Node};
use crate::domain::query::value::Value;

/// The value that a parsed one is.
///
/// # Errors
///
/// It has a regular expression in it: no stored value is one.
pub fn literal(node: Node<'_>) -> Result<Value<'_>, QueryError> {
    Ok(match node.kind {
        Kind::Scalar(value) => value,
        Kind::Regex(..) => {
            let reason = "a regular expression cannot be a part of a value";
            return Err(QueryError::malformed(node.at, reason));
        }
        Kind::Array(items) => {
            let items = items.into_iter().map(literal);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Kind::Document(fields) => {
            let fields = fields
                .into_iter()
                .map(|field| Ok((field.name, literal(field.value)?)));
            Value::Document(fields.collect::<Result<_, _>>()?)
        }
    })
}

/// The value that an operand is.
///
/// # Errors
///
/// As [`literal`].
pub fn owned(node: Node<'_>) -> Result<Value<'static>, QueryError> {
    literal(node).map(Value::into_owned)
}

/// The items of an operand.
///
/// # Errors
///
/// `needs`, if it is no list.
pub fn list<'t>(node: Node<'t>, needs: &'static str) -> Result<Vec<Node<'t>>, QueryError> {
    match node.kind {
        Kind::Array(items) => Ok(items),
        _ => Err(QueryError::malformed(node.at, needs)),
    }
}

/// Whether an operand is true: all but false, null and zero are.
pub fn is_true(node: &Node<'_>) -> bool {
    match &node.kind {
        Kind::Scalar(Value::Null | Value::Bool(false) | Value::Int(0)) => false,
        Kind::Scalar(Value::Double(number)) => *number != 0.0,
        _ => true,
    }
}

/// The whole number that an operand is. What is after its point is cut.
fn whole(node: &Node<'_>) -> Option<i64> {
    match &node.kind {
        Kind::Scalar(Value::Int(number)) => Some(*number),
        Kind::Scalar(Value::Double(number)) if number.is_finite() => Some(number.trunc() as i64),
        _ => None,
    }
}

/// The operand of `$size`.
///
/// # Errors
///
/// It is no length.
pub fn size(node: &Node<'_>) -> Result<usize, QueryError> {
    let exact = match &node.kind {
        Kind::Scalar(Value::Double(number)) if number.fract() != 0.0 => None,
        _ => whole(node),
    };
    let size = exact.and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| {
        QueryError::malformed(node.at, "$size needs a whole number that is not negative")
    })
}

/// `$mod` with this operand.
///
/// # Errors
///
/// It is no list of a divisor and a remainder.
pub fn modulo(node: Node<'_>) -> Result<Predicate, QueryError> {
    let at = node.at;
    let needs = "$mod needs a list of two numbers, the first of which is not 0";
    let items = list(node, needs)?;
    match items.as_slice() {
        [divisor, remainder] => match (whole(divisor), whole(remainder)) {
            (Some(divisor), Some(remainder)) if divisor != 0 => {
                Ok(Predicate::Mod(divisor, remainder))
            }
            _ => Err(QueryError::malformed(at, needs)),
        },
        _ => Err(QueryError::malformed(at, needs)),
    }
}

/// The operand of `$type`: a type by its name or its number, or a list of them.
///
/// # Errors
///
/// There is no such type.
pub fn types(node: Node<'_>) -> Result<Types, QueryError> {
    let of = |node: &Node<'_>| {
        let found = match &node.kind {
            Kind::Scalar(Value::Text(name)) => Types::by_name(name),
            Kind::Scalar(Value::Double(number)) if number.fract() != 0.0 => None,
            _ => whole(node).and_then(Types::by_number),
        };
        found.ok_or_else(|| {
            QueryError::malformed(
                node.at,
                "$type needs a type of MongoDB, by name or by number",
            )
        })
    };
    match &node.kind {
        Kind::Array(items) if items.is_empty() => of(&node),
        Kind::Array(items) => items
            .iter()
            .try_fold(Types::default(), |types, item| Ok(types.and(of(item)?))),
        _ => of(&node),
    }
}
