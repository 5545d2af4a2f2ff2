//! What is wrong with entries of a seed file that is loaded all the same.

use std::fmt;

use crate::service::bootstrap::seed_error::SeedError;

/// How many warnings of a file are kept.
const WARNINGS_MAX: usize = 20;

/// How strictly a seed file is checked.
#[derive(Clone, Copy, Default, Debug)]
pub struct SeedRules {
    /// Whether an entry that belongs to nothing is refused, instead of skipped.
    pub is_strict: bool,
}

/// The path of an entry in the file, like `profile[3]`.
#[derive(Clone, Copy)]
pub(super) struct EntryPath {
    pub(super) list: &'static str,
    pub(super) index: usize,
}

impl EntryPath {
    pub(super) fn refuse(self, field: &str, what: impl fmt::Display) -> SeedError {
        SeedError::at(format_args!("{}[{}].{field}", self.list, self.index), what)
    }
}

/// What was found so far.
#[derive(Default, Debug)]
pub(super) struct Findings {
    skipped: Vec<Skipped>,
    /// How many entries are dated in the future, and where the first date is.
    future: Option<(usize, String)>,
    warnings: Vec<String>,
}

impl Findings {
    /// Counts an entry as skipped, or refuses it if the rules are strict.
    ///
    /// # Errors
    ///
    /// In that case.
    pub(super) fn skip(
        &mut self,
        rules: SeedRules,
        at: EntryPath,
        field: &str,
        why: &'static str,
    ) -> Result<(), SeedError> {
        if rules.is_strict {
            return Err(at.refuse(field, why));
        }
        let EntryPath { list, index } = at;
        let mut skipped = self.skipped.iter_mut();
        match skipped.find(|skipped| skipped.list == list && skipped.why == why) {
            Some(skipped) => skipped.count += 1,
            None => self.skipped.push(Skipped {
                list,
                why,
                count: 1,
                first: index,
            }),
        }
        Ok(())
    }

    /// Counts an entry that is dated in the future.
    pub(super) fn note_future(&mut self, at: EntryPath, field: &str) {
        let first = || format!("{}[{}].{field}", at.list, at.index);
        self.future.get_or_insert_with(|| (0, first())).0 += 1;
    }

    /// Adds a warning, if there are not too many.
    pub(super) fn warn(&mut self, path: impl fmt::Display, what: impl fmt::Display) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(format!("{path}: {what}"));
        }
    }

    /// How many entries were skipped.
    pub(super) fn skipped(&self) -> usize {
        self.skipped.iter().map(|skipped| skipped.count).sum()
    }

    /// The texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let skipped = self.skipped.iter().map(Skipped::to_string);
        let future = self.future.iter().map(|(count, first)| {
            format!(
                "{first}: the date is in the future, one of {count}; what has one is valid for that much longer, \
                 unless it is the clock of this host that is wrong"
            )
        });
        let all = skipped.chain(future);
        all.chain(self.warnings.iter().cloned())
    }
}

/// Entries of a list that were skipped for the same reason.
#[derive(Debug)]
struct Skipped {
    list: &'static str,
    why: &'static str,
    count: usize,
    /// The number of the first one in its list.
    first: usize,
}

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            list,
            why,
            count,
            first,
        } = self;
        let what = if *count == 1 {
            "entry is"
        } else {
            "entries are"
        };
        write!(
            formatter,
            "{list}: {count} {what} skipped: {why}; the first is {list}[{first}]"
        )
    }
}
