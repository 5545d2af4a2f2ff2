//! From the text of a query to its filter: which fields and operators there are, and what operands they take.

use std::sync::Arc;

use crate::domain::profile::SECRET_FIELDS;
use crate::domain::query::error::QueryError;
use crate::domain::query::filter::{Comparison, Filter, Part, Path, Predicate, Set};
use crate::domain::query::operands::{is_true, list, modulo, owned, size, types};
use crate::domain::query::pattern::Pattern;
use crate::domain::query::tree::{Field, Kind, Node};
use crate::domain::query::value::Value;
use crate::domain::query::work::Work;

/// How many conditions a query may have. What one costs is bounded by this for each profile that is looked at.
pub const CONDITIONS_MAX: usize = 1_000;

/// How many regular expressions a query may have. What they take in memory is bounded by this.
pub const REGEXES_MAX: usize = 50;

/// How many bytes all regular expressions of a query may take.
const REGEX_BYTES_MAX: usize = 512 << 10;

/// How many parts of a dotted name may be numbers. Each leads on in two ways where an array has documents.
pub const POSITIONS_MAX: usize = 8;

/// The field that no query may name beside those that are secret: a query is for one tenant.
const TENANT: &str = "tenant";

/// The operator that no query may have.
const WHERE: &str = "$where";

/// The operators in place of a field.
const LOGICAL: [&str; 3] = ["$and", "$or", "$nor"];

/// The operators on a field.
const OPERATORS: [&str; 17] = [
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
    "$options",
    "$not",
    "$all",
    "$size",
    "$elemMatch",
    "$type",
    "$mod",
];

/// The filter that a parsed query is. What matching takes is added to `work`.
///
/// # Errors
///
/// An operator that is unknown or has an operand that it cannot have, what is banned, and what is too large.
pub fn compile(query: Node<'_>, work: &Arc<Work>) -> Result<Filter, QueryError> {
    let mut compiler = Compiler {
        conditions: 0,
        regexes: 0,
        regex_bytes: 0,
        work: Arc::clone(work),
    };
    let at = query.at;
    match query.kind {
        Kind::Document(fields) => compiler.filter(fields, Level::Profile),
        _ => Err(QueryError::malformed(at, "a query is a document")),
    }
}

/// Of what the names are the fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Profile,
    /// An item of an array.
    Item,
}

/// How much there was of a query until now.
struct Compiler {
    conditions: usize,
    regexes: usize,
    regex_bytes: usize,
    work: Arc<Work>,
}

type Compiled<T> = Result<T, QueryError>;

impl Compiler {
    fn filter(&mut self, fields: Vec<Field<'_>>, level: Level) -> Compiled<Filter> {
        let mut filters = Vec::with_capacity(fields.len());
        for field in fields {
            let Field { at, name, value } = field;
            let filter = match &*name {
                "$and" => Filter::And(self.filters(value, level)?),
                "$or" => Filter::Or(self.filters(value, level)?),
                "$nor" => Filter::Nor(self.filters(value, level)?),
                name if name.starts_with('$') => return Err(unknown(at, name, &LOGICAL)),
                name => {
                    let path = path(at, name, level)?;
                    Filter::Field(path, self.predicates(value)?)
                }
            };
            filters.push(filter);
        }
        Ok(match filters.pop() {
            Some(only) if filters.is_empty() => only,
            Some(last) => {
                filters.push(last);
                Filter::And(filters)
            }
            None => Filter::And(filters),
        })
    }

    /// The operands of a logical operator.
    fn filters(&mut self, node: Node<'_>, level: Level) -> Compiled<Vec<Filter>> {
        let needs = "the operator needs a list of documents that is not empty";
        let Kind::Array(items) = node.kind else {
            return Err(QueryError::malformed(node.at, needs));
        };
        if items.is_empty() {
            return Err(QueryError::malformed(node.at, needs));
        }
        let filter = |item: Node<'_>| match item.kind {
            Kind::Document(fields) => {
                self.count(item.at)?;
                self.filter(fields, level)
            }
            _ => Err(QueryError::malformed(item.at, needs)),
        };
        items.into_iter().map(filter).collect()
    }

    /// The conditions on a field: operators, or a value that it is to be equal to.
    fn predicates(&mut self, node: Node<'_>) -> Compiled<Vec<Predicate>> {
        match node.kind {
            Kind::Document(fields) if is_operators(&fields) => self.operators(fields),
            _ => Ok(vec![self.equal_or_regex(node)?]),
        }
    }

    fn operators(&mut self, fields: Vec<Field<'_>>) -> Compiled<Vec<Predicate>> {
        let options = regex_options(&fields)?;
        let operator = |field: Field<'_>| {
            let Field { at, name, value } = field;
            self.count(at)?;
            Ok(Some(match &*name {
                "$eq" => Predicate::Equal(owned(value)?),
                "$ne" => Predicate::Not(vec![Predicate::Equal(owned(value)?)]),
                "$gt" => Predicate::Compare(Comparison::Greater, owned(value)?),
                "$gte" => Predicate::Compare(Comparison::GreaterOrEqual, owned(value)?),
                "$lt" => Predicate::Compare(Comparison::Less, owned(value)?),
                "$lte" => Predicate::Compare(Comparison::LessOrEqual, owned(value)?),
                "$in" => Predicate::In(self.set(value)?),
                "$nin" => Predicate::Not(vec![Predicate::In(self.set(value)?)]),
                "$exists" if is_true(&value) => Predicate::Exists,
                "$exists" => Predicate::Not(vec![Predicate::Exists]),
                "$regex" => Predicate::Regex(self.regex(value, options.as_deref())?),
                "$options" => return Ok(None),
                "$not" => Predicate::Not(self.negated(value)?),
                "$all" => Predicate::All(self.all(value)?),
                "$size" => Predicate::Size(size(&value)?),
                "$elemMatch" => self.element(value)?,
                "$type" => Predicate::Type(types(value)?),
                "$mod" => modulo(value)?,
                name if name.starts_with('$') => return Err(unknown(at, name, &OPERATORS)),
                _ => {
                    let reason = "a field stands among operators";
                    return Err(QueryError::malformed(at, reason));
                }
            }))
        };
        let operators = fields.into_iter().map(operator);
        operators.filter_map(Result::transpose).collect()
    }

    /// The condition that a field is equal to a value, or that a regular expression matches it.
    fn equal_or_regex(&mut self, node: Node<'_>) -> Compiled<Predicate> {
        self.count(node.at)?;
        match self.regex_literal(&node)? {
            Some(pattern) => Ok(Predicate::Regex(pattern)),
            None => owned(node).map(Predicate::Equal),
        }
    }

    /// The operand of `$in`: regular expressions match, all other values are equal.
    fn set(&mut self, node: Node<'_>) -> Compiled<Set> {
        let at = node.at;
        let items = list(node, "the operator needs a list")?;
        if items.is_empty() {
            return Ok(Set::new(Vec::new(), Vec::new()));
        }
        let (mut values, mut patterns) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            match self.regex_literal(&item)? {
                Some(pattern) => patterns.push(pattern),
                None => values.push(self.operand(item)?),
            }
        }
        self.count(at)?;
        Ok(Set::new(values, patterns))
    }

    /// The operand of `$all`: either values and regular expressions, or `$elemMatch` again and again.
    fn all(&mut self, node: Node<'_>) -> Compiled<Vec<Predicate>> {
        let items = list(node, "the operator needs a list")?;
        let is_element = |item: &Node<'_>| match &item.kind {
            Kind::Document(fields) => first_name(fields) == "$elemMatch",
            _ => false,
        };
        let all_elements = items.first().is_some_and(is_element);
        let predicate = |item: Node<'_>| {
            self.count(item.at)?;
            if let Some(pattern) = self.regex_literal(&item)? {
                return Ok(Predicate::Regex(pattern));
            }
            match (all_elements, item.kind) {
                (true, Kind::Document(mut fields))
                    if fields.len() == 1 && first_name(&fields) == "$elemMatch" =>
                {
                    let element = fields.remove(0);
                    self.element(element.value)
                }
                (true, _) => {
                    let reason = "all of the list must be $elemMatch, or nothing";
                    Err(QueryError::malformed(item.at, reason))
                }
                (false, kind) => {
                    let item = Node { at: item.at, kind };
                    self.operand(item).map(Predicate::Equal)
                }
            }
        };
        items.into_iter().map(predicate).collect()
    }

    /// The operand of `$not`: a regular expression, or operators.
    fn negated(&mut self, node: Node<'_>) -> Compiled<Vec<Predicate>> {
        if let Kind::Regex(..) = node.kind {
            return Ok(vec![self.equal_or_regex(node)?]);
        }
        match node.kind {
            Kind::Document(fields) if !fields.is_empty() => self.operators(fields),
            _ => {
                let reason = "$not needs a regular expression or a document with operators";
                Err(QueryError::malformed(node.at, reason))
            }
        }
    }

    /// `$elemMatch` with this operand: operators for the item, or a query of its fields.
    fn element(&mut self, node: Node<'_>) -> Compiled<Predicate> {
        let Kind::Document(fields) = node.kind else {
            return Err(QueryError::malformed(
                node.at,
                "$elemMatch needs a document",
            ));
        };
        if is_operators(&fields) && !LOGICAL.contains(&first_name(&fields)) {
            return self.operators(fields).map(Predicate::ElemMatchValue);
        }
        let filter = self.filter(fields, Level::Item)?;
        Ok(Predicate::ElemMatch(filter))
    }

    /// The regular expression that is an operand, between slashes or as a document with `$regex`; `None` if it is none.
    fn regex_literal(&mut self, node: &Node<'_>) -> Compiled<Option<Pattern>> {
        match &node.kind {
            Kind::Regex(..) => self.regex(node.clone(), None).map(Some),
            Kind::Document(fields) if first_name(fields) == "$regex" => {
                let (options, fields) = (regex_options(fields)?, fields.as_slice());
                match fields {
                    [regex] => self.regex(regex.value.clone(), None).map(Some),
                    [regex, second] if second.name == "$options" => self
                        .regex(regex.value.clone(), options.as_deref())
                        .map(Some),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn regex(&mut self, node: Node<'_>, options: Option<&str>) -> Compiled<Pattern> {
        let at = node.at;
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            let reason = format!("it has more than {REGEXES_MAX} regular expressions");
            return Err(QueryError::malformed(at, reason));
        }
        let pattern = match (&node.kind, options) {
            (Kind::Scalar(Value::Text(pattern)), _) => {
                Pattern::new(pattern, options.unwrap_or_default(), &self.work)
            }
            (Kind::Regex(pattern, ""), _) => {
                Pattern::new(pattern, options.unwrap_or_default(), &self.work)
            }
            (Kind::Regex(pattern, own), None) => Pattern::new(pattern, own, &self.work),
            (Kind::Regex(..), Some(_)) => {
                Err("it has options in $regex and in $options".to_owned())
            }
            _ => Err("$regex needs a text or a regular expression".to_owned()),
        };
        let pattern = pattern.map_err(|reason| QueryError::malformed(at, reason))?;
        self.regex_bytes += pattern.size();
        if self.regex_bytes > REGEX_BYTES_MAX {
            let reason = "the regular expressions take too much memory together";
            return Err(QueryError::malformed(at, reason));
        }
        Ok(pattern)
    }

    /// A value that stands where operators would be taken for values.
    fn operand(&mut self, node: Node<'_>) -> Compiled<Value<'static>> {
        match &node.kind {
            Kind::Document(fields) if is_operators(fields) => {
                let reason = "an operator cannot stand in this list";
                Err(QueryError::malformed(node.at, reason))
            }
            _ => owned(node),
        }
    }

    /// Counts a condition.
    fn count(&mut self, at: usize) -> Compiled<()> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            let reason = format!("it has more than {CONDITIONS_MAX} conditions");
            return Err(QueryError::malformed(at, reason));
        }
        Ok(())
    }
}

fn path(at: usize, name: &str, level: Level) -> Compiled<Path> {
    let part = |name: &str| {
        // A position is written without zeros before it.
        let is_index =
            name == "0" || !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit());
        let index = is_index.then(|| name.parse().ok()).flatten();
        Part {
            name: name.into(),
            index,
        }
    };
    let path = Path {
        name: name.into(),
        parts: name.split('.').map(part).collect(),
    };
    if level == Level::Profile
        && let Some(top) = path.parts.first()
        && let Some(banned) = SECRET_FIELDS
            .into_iter()
            .chain([TENANT])
            .find(|banned| **banned == *top.name)
    {
        return Err(QueryError::FieldBanned(banned));
    }
    let positions = path.parts.iter().filter(|part| part.index.is_some());
    if positions.count() > POSITIONS_MAX {
        let reason = format!("the name has more than {POSITIONS_MAX} positions");
        return Err(QueryError::malformed(at, reason));
    }
    Ok(path)
}

fn unknown(at: usize, name: &str, known: &[&'static str]) -> QueryError {
    if name == WHERE {
        return QueryError::OperatorBanned(WHERE);
    }
    QueryError::unknown_operator(at, name, known)
}

/// Whether these are operators, and not the fields of a value.
fn is_operators(fields: &[Field<'_>]) -> bool {
    first_name(fields).starts_with('$')
}

fn first_name<'f>(fields: &'f [Field<'_>]) -> &'f str {
    fields.first().map_or("", |field| &field.name)
}

/// The operand of `$options`, if it is among the operators.
fn regex_options(fields: &[Field<'_>]) -> Compiled<Option<String>> {
    let mut options = fields.iter().filter(|field| field.name == "$options");
    let Some(found) = options.next() else {
        return Ok(None);
    };
    let malformed = |reason: &'static str| Err(QueryError::malformed(found.at, reason));
    if options.next().is_some() {
        return malformed("$options is there twice");
    }
    if !fields.iter().any(|field| field.name == "$regex") {
        return malformed("$options needs a $regex");
    }
    match &found.value.kind {
        Kind::Scalar(Value::Text(text)) => Ok(Some(text.clone().into_owned())),
        _ => malformed("$options needs a text"),
    }
}
