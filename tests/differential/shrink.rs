//! Smaller cases that still fail.

use crate::Case;
use crate::node::Node;

/// The smallest case that is found to fail as `case` does.
pub fn shrink(case: Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut smallest = case;
    'smaller: loop {
        for case in smaller_cases(&smallest) {
            if fails(&case) {
                smallest = case;
                continue 'smaller;
            }
        }
        return smallest;
    }
}

fn smaller_cases(case: &Case) -> Vec<Case> {
    let filters = smaller(&case.filter).into_iter().map(|filter| Case {
        filter,
        document: case.document.clone(),
        form: case.form,
    });
    let documents = smaller(&case.document).into_iter().map(|document| Case {
        filter: case.filter.clone(),
        document,
        form: case.form,
    });
    filters.chain(documents).collect()
}

/// What becomes of `node` with a part less.
fn smaller(node: &Node) -> Vec<Node> {
    let mut all = Vec::new();
    match node {
        Node::Array(items) => {
            for at in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(at);
                all.push(Node::Array(fewer));
            }
            for (at, item) in items.iter().enumerate() {
                for less in smaller(item) {
                    let mut items = items.clone();
                    items[at] = less;
                    all.push(Node::Array(items));
                }
            }
        }
        Node::Document(fields) => {
            for at in 0..fields.len() {
                let mut fewer = fields.clone();
                fewer.remove(at);
                all.push(Node::Document(fewer));
            }
            // A filter of one of those that are combined.
            for (name, value) in fields {
                if ["$and", "$or", "$nor"].contains(&name.as_str()) {
                    all.extend(value.items().iter().cloned());
                }
            }
            for (at, (_, value)) in fields.iter().enumerate() {
                for less in smaller(value) {
                    let mut fields = fields.clone();
                    fields[at].1 = less;
                    all.push(Node::Document(fields));
                }
            }
        }
        _ => {}
    }
    all
}
