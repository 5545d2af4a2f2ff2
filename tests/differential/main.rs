//! The query matcher against two independent implementations of MongoDB's query language, on random filters and
//! profiles: [mongomock](https://pypi.org/project/mongomock/) and [mingo](https://www.npmjs.com/package/mingo), which
//! `.ci/run` installs.
//!
//! The matcher must agree with each of them, except about what they are known not to do as MongoDB's manual says.
//! Where one of them is left out of a case, the other one is still compared. `gaps.rs` decides which cases these are,
//! by name; here is what the manual says instead. Those of mongomock:
//!
//! - *no modulo*: it does not have `$mod`.
//! - *booleans are numbers*: in Python, true is 1. In the manual's comparison order they are types of their own.
//! - *types by name alone*: `$type` takes "either the number or alias", and "an array of BSON types"; null is one.
//! - *integers of 33 bits*: the manual's `int` is a 32-bit integer.
//! - *paths without an end*, below a scalar or into elements that are none: only `$ne` and `$nin` hold. The manual has
//!   `{item: null}` match documents that "do not contain the item field", and `$not` what does not meet its expression.
//! - *positions*: a number in a path is a position alone. It may be the name of a field of the elements too.
//! - *existence in arrays*: `$exists: false` holds if one element lacks the field. The manual has it return "only the
//!   documents that do not contain the field".
//! - *one element for all*: operators on a path into an array must all hold for one element. In the manual, several
//!   elements may do that together, and `$elemMatch` is for one that does alone.
//! - *all*: it knows no regular expressions and no null, looks into nested arrays, holds if it is empty, and with
//!   `$elemMatch` takes what is no array for one. In the manual it is "equivalent to an `$and`", and "when passed an
//!   empty array, `$all` matches no documents".
//! - *size of what is no array*: that of a document is the number of its fields. The manual's `$size` is of arrays.
//! - *elements*: `$not` directly within `$elemMatch` is ignored, and a filter of fields is held against scalars. The
//!   manual's `$elemMatch` needs an element "that matches all the specified query criteria".
//! - *whole arrays*: `$in` and `$nin` of arrays compare the elements alone, and others do not compare elements that are
//!   arrays. In the manual, a field matches that "contains the nested array as an element" or "equals" it.
//! - *empty document*: it is equal to what is missing.
//! - *order of null*: `$gte` and `$lte` of null do not hold for what is missing, which equals null.
//! - *options within not*: `$options` is an unknown operator there.
//!
//! Those of mingo:
//!
//! - *all numbers are doubles*: 2^53 + 1 is 2^53, and `int`, `long` and `double` are one type.
//! - *types*: there is none of ids, and elements of arrays are not looked at. The manual has it match where "at least
//!   one array element matches a type".
//! - *option x*: JavaScript has none.
//! - *paths into arrays*: elements that lack the field are left out, and values there that are arrays are flattened.
//! - *positions*, *order of null*, *elements*: as with mongomock.
//! - *nested arrays*: they are flattened by as much as the path has dots.
//! - *whole arrays*: `$in`, `$nin`, `$all` and orders compare the elements alone.
//! - *order of documents*: by all names first. The manual compares pair by pair, "in the order that they appear".
//! - *modulo of what is no integer*: texts, booleans and dates are converted, and fractions kept. The manual rounds
//!   "towards zero", and has no remainder of other types.
//! - *all of what is no array*: it never holds. The manual's also finds "a field with a single value matching the
//!   specified element".
//!
//! Documents have their fields in the order of their names, and no text ends with a line feed: both implementations
//! ignore the order of fields, and JavaScript's `$` is not before such a line feed.
//!
//! `REMEMBERD_TEST_SEED` replays a run, `REMEMBERD_TEST_LONG=1` makes it sixty times as long. A case that fails is made
//! as small as it gets.

use std::collections::BTreeMap;
use std::env;
use std::slice;

use rememberd::testing::query_matches;

use crate::node::Node;
use crate::random::Random;
use crate::reference::{Kind, Reference};

mod documents;
mod draw;
mod filters;
mod gaps;
mod leaf;
mod node;
#[path = "../api/support/random.rs"]
mod random;
mod reference;
mod shrink;
#[path = "../api/support/tools.rs"]
mod tools;

/// How many cases are sent at once.
const BATCH: usize = 250;

/// How many times.
const BATCHES: usize = 8;

/// How many times in a long run.
const BATCHES_LONG: usize = 60 * BATCHES;

/// How many filters are drawn until one of them matches, or does not.
const DRAWS: usize = 8;

/// How often each operator is compared at least, where it matches and where it does not.
const COMPARED_MIN: usize = 1;

/// A filter and a document.
#[derive(Clone, Debug)]
struct Case {
    filter: Node,
    document: Node,
    /// What the filter's form is drawn from.
    form: u64,
}

impl Case {
    /// Half of them match.
    fn drawn(random: &Random) -> Self {
        let document = documents::profile(random);
        let wanted = random.below(2) == 0;
        let draw = || Self {
            filter: filters::filter(random, &document),
            document: document.clone(),
            form: random.below(u64::MAX),
        };
        let mut drawn = (0..DRAWS).map(|_| draw());
        let first = drawn.next().expect("there is one");
        if first.matches() == Ok(wanted) {
            return first;
        }
        drawn
            .find(|case| case.matches() == Ok(wanted))
            .unwrap_or(first)
    }

    /// The filter in the form that this crate gets.
    fn text(&self) -> String {
        self.filter.relaxed(&Random::new(self.form))
    }

    /// Whether this crate says that it matches.
    fn matches(&self) -> Result<bool, String> {
        let document = serde_json::from_str(&self.document.extended()).expect("it is JSON");
        query_matches(&self.text(), &document)
    }

    /// The names of all operators of the filter.
    fn operators(&self) -> Vec<&str> {
        let names = self.filter.all().into_iter().flat_map(Node::fields);
        let names = names.map(|(name, _)| name.as_str());
        names.filter(|name| name.starts_with('$')).collect()
    }
}

/// How often each operator was compared, where the filter did not match and where it did.
#[derive(Default)]
struct Tally(BTreeMap<String, [usize; 2]>);

impl Tally {
    fn add(&mut self, case: &Case, matches: bool) {
        for operator in case.operators().into_iter().chain([""]) {
            let counts = self.0.entry(operator.to_owned()).or_default();
            counts[usize::from(matches)] += 1;
        }
    }

    fn assert_is_broad(&self) {
        let names = filters::FIELD_OPERATORS
            .iter()
            .chain(&filters::LOGICAL_OPERATORS);
        for name in names {
            let counts = self.0.get(*name).copied().unwrap_or_default();
            let is_enough = counts.iter().all(|count| *count >= COMPARED_MIN);
            assert!(is_enough, "{name} was compared too rarely: {counts:?}");
        }
        let [differs, matches] = self.0[""];
        assert!(
            matches > differs / 3 && differs > matches / 3,
            "{:?}",
            self.0[""]
        );
    }
}

/// Asserts that this crate says of each case what `reference` says.
#[track_caller]
fn assert_agree(reference: &mut Reference, cases: &[Case], tally: &mut Tally) {
    let kind = reference.kind;
    let comparable = cases.iter().filter(|case| gaps::gap(kind, case).is_none());
    let comparable: Vec<_> = comparable.cloned().collect();
    let answers = reference.answers(&comparable);
    for (case, answer) in comparable.into_iter().zip(answers) {
        let ours = case.matches();
        if ours == answer {
            tally.add(&case, ours == Ok(true));
            continue;
        }
        let case = shrink::shrink(case, |case| {
            let answer = &reference.answers(slice::from_ref(case))[0];
            let ours = case.matches();
            gaps::gap(kind, case).is_none() && ours.is_ok() && answer.is_ok() && ours != *answer
        });
        let answer = &reference.answers(slice::from_ref(&case))[0];
        let ours = case.matches();
        let (filter, document) = (case.text(), case.document);
        panic!(
            "this crate says {ours:?}, {kind:?} says {answer:?}\nfilter: {filter}\ndocument: {document:?}"
        );
    }
}

#[test]
fn filters_match_as_in_other_implementations() {
    let references = [Kind::Mongomock, Kind::Mingo].map(Reference::start);
    let [Some(mongomock), Some(mingo)] = references else {
        return;
    };
    let mut references = [mongomock, mingo];
    let mut tallies = [Tally::default(), Tally::default()];
    let random = Random::new(random::seed());
    let batches = match env::var_os("REMEMBERD_TEST_LONG") {
        Some(_) => BATCHES_LONG,
        None => BATCHES,
    };
    for _ in 0..batches {
        let cases: Vec<_> = (0..BATCH).map(|_| Case::drawn(&random)).collect();
        for (reference, tally) in references.iter_mut().zip(&mut tallies) {
            assert_agree(reference, &cases, tally);
        }
    }
    let mut both = Tally::default();
    for (kind, tally) in [Kind::Mongomock, Kind::Mingo].iter().zip(tallies) {
        println!("{kind:?}: {:?}", tally.0);
        let compared: usize = tally.0[""].iter().sum();
        assert!(compared > batches * BATCH / 3, "{kind:?}: {compared}");
        for (name, counts) in tally.0 {
            let sum = both.0.entry(name).or_default();
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    both.assert_is_broad();
}
