//! The conditions of a filter one by one, and what each of them meets in a document: what the other
//! implementations fail at depends on both.

use crate::node::Node;

/// One operator on one path.
pub struct Leaf<'c> {
    pub operator: &'c str,
    pub operand: &'c Node,
    /// The names of all operators of the same condition.
    pub condition: Vec<&'c str>,
    /// Whether the condition is that of a `$not`.
    pub is_negated: bool,
    pub reached: Reached<'c>,
}

/// What a path leads to.
#[derive(Default)]
pub struct Reached<'c> {
    /// Values at the end of it; arrays as a whole.
    pub values: Vec<&'c Node>,
    /// Whether a document on the way has no such field, or an array no such index.
    pub misses: bool,
    /// Whether it goes on below a value that is neither a document nor an array.
    pub goes_below_scalar: bool,
    /// Whether it goes into the elements of an array.
    pub crosses_array: bool,
    /// Whether there are elements that are not documents.
    pub crosses_others: bool,
    /// Whether it takes an element of an array by its index.
    pub has_index: bool,
}

impl<'c> Reached<'c> {
    fn new(roots: &[&'c Node], path: &[&str]) -> Self {
        let mut reached = Self::default();
        for root in roots {
            reached.follow(root, path);
        }
        reached
    }

    fn follow(&mut self, at: &'c Node, path: &[&str]) {
        let [part, rest @ ..] = path else {
            self.values.push(at);
            return;
        };
        match at {
            Node::Document(fields) => match fields.iter().find(|(name, _)| name == part) {
                Some((_, value)) => self.follow(value, rest),
                None => self.misses = true,
            },
            Node::Array(items) => {
                if let Ok(index) = part.parse::<usize>() {
                    self.has_index = true;
                    match items.get(index) {
                        Some(item) => self.follow(item, rest),
                        None => self.misses = true,
                    }
                }
                self.crosses_array = true;
                for item in items {
                    match item {
                        Node::Document(_) => self.follow(item, path),
                        _ => self.crosses_others = true,
                    }
                }
            }
            _ => self.goes_below_scalar = true,
        }
    }

    /// Whether it leads to no value somewhere.
    pub fn lacks(&self) -> bool {
        self.misses || self.goes_below_scalar || self.values.is_empty()
    }

    /// Whether a value, or an element of an array that is one, is such.
    pub fn any(&self, is_such: impl Fn(&Node) -> bool) -> bool {
        let elements = self.values.iter().flat_map(|value| value.items());
        self.values.iter().copied().chain(elements).any(is_such)
    }

    /// Whether a value is an array.
    pub fn has_array(&self) -> bool {
        self.values
            .iter()
            .any(|value| matches!(value, Node::Array(_)))
    }

    /// Whether an element of an array that is a value is an array.
    pub fn has_nested_array(&self) -> bool {
        let mut elements = self.values.iter().flat_map(|value| value.items());
        elements.any(|element| matches!(element, Node::Array(_)))
    }
}

/// The conditions of `filter` on documents `roots`.
pub fn leaves<'c>(filter: &'c Node, roots: &[&'c Node]) -> Vec<Leaf<'c>> {
    let mut all = Vec::new();
    for (name, value) in filter.fields() {
        if name.starts_with('$') {
            let filters = value.items().iter();
            all.extend(filters.flat_map(|filter| leaves(filter, roots)));
        } else {
            let path: Vec<_> = name.split('.').collect();
            let scope = Scope {
                roots,
                path: &path,
                is_negated: false,
            };
            scope.condition(value, &mut all);
        }
    }
    all
}

struct Scope<'s, 'c> {
    roots: &'s [&'c Node],
    path: &'s [&'s str],
    is_negated: bool,
}

impl<'c> Scope<'_, 'c> {
    fn condition(&self, condition: &'c Node, all: &mut Vec<Leaf<'c>>) {
        let fields = condition.fields();
        if !is_of_operators(condition) {
            let operator = match condition {
                Node::Regex { .. } => "$regex",
                _ => "$eq",
            };
            self.leaf(operator, condition, vec![operator], all);
            return;
        }
        for (operator, operand) in fields {
            let names = fields.iter().map(|(name, _)| name.as_str());
            self.leaf(operator, operand, names.collect(), all);
        }
    }

    fn leaf(
        &self,
        operator: &'c str,
        operand: &'c Node,
        condition: Vec<&'c str>,
        all: &mut Vec<Leaf<'c>>,
    ) {
        let reached = Reached::new(self.roots, self.path);
        match operator {
            "$not" => Scope {
                is_negated: true,
                ..*self
            }
            .condition(operand, all),
            "$elemMatch" => elements(operand, &reached, all),
            "$all" => {
                for item in operand.items() {
                    if let [(name, filter)] = item.fields()
                        && name == "$elemMatch"
                    {
                        elements(filter, &reached, all);
                    }
                }
            }
            _ => {}
        }
        all.push(Leaf {
            operator,
            operand,
            condition,
            is_negated: self.is_negated,
            reached,
        });
    }
}

/// The conditions of `filter` on the elements of the arrays that are reached.
fn elements<'c>(filter: &'c Node, reached: &Reached<'c>, all: &mut Vec<Leaf<'c>>) {
    let items: Vec<&Node> = reached
        .values
        .iter()
        .flat_map(|value| value.items())
        .collect();
    if is_of_operators(filter)
        && !filter
            .fields()
            .iter()
            .any(|(name, _)| ["$and", "$or", "$nor"].contains(&name.as_str()))
    {
        let scope = Scope {
            roots: &items,
            path: &[],
            is_negated: false,
        };
        scope.condition(filter, all);
    } else {
        all.extend(leaves(filter, &items));
    }
}

/// Whether a condition has operators, and is not a value to compare with.
pub fn is_of_operators(condition: &Node) -> bool {
    let mut fields = condition.fields().iter();
    fields.next().is_some_and(|(name, _)| name.starts_with('$'))
}
