//! What of the journal cannot be applied or removed, because pages of the file cannot be read.
//!
//! A row whose page cannot be read stays in the cache, and in the journal: whenever the cursor passes it, the entry of
//! that commit has its last delta once more, as if it had been changed again.

use std::collections::BTreeSet;

use crate::error::Failure;
use crate::storage::table::RowKey;

/// How often a transaction that met damage is tried, in which each time something more is left out.
pub const DAMAGE_ATTEMPTS: usize = 4;

/// See the module.
#[derive(Default)]
pub(super) struct Unappliable {
    /// The rows that the cursor has passed and that were not applied.
    pub rows: BTreeSet<RowKey>,
    /// Rows that the next commit does not try to apply.
    pub set_aside: BTreeSet<RowKey>,
    /// Whether obsolete entries stay, because their pages cannot be read.
    pub keeps_entries: bool,
    /// Whether applying is pointless until something is committed.
    pub is_all: bool,
    /// Whether the last attempt to apply met damage.
    has_failed: bool,
}

impl Unappliable {
    /// Applying `rows` failed.
    pub fn failed(&mut self, failure: &Failure, rows: &[RowKey]) {
        if !matches!(failure, Failure::Unreadable(_)) {
            return;
        }
        // The first time, damage may not have been known: now rows that cannot be read are found one by one. If that
        // is not enough, a page beside theirs is damaged, which takes part in a change of size.
        if self.has_failed {
            self.set_aside.extend(rows);
        }
        self.has_failed = true;
    }

    /// A commit applied these rows, and journaled the others again.
    pub fn committed(&mut self, applied: &[RowKey], again: Vec<RowKey>) {
        self.is_all = false;
        if !applied.is_empty() || !again.is_empty() {
            self.has_failed = false;
            self.set_aside.clear();
            for row in applied {
                self.rows.remove(row);
            }
            self.rows.extend(again);
        }
    }

    /// What `remove` removes of the obsolete entries; nothing any more once it met damage.
    pub fn remove_first<R: Default>(
        &mut self,
        remove: impl FnOnce() -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        if self.keeps_entries {
            return Ok(R::default());
        }
        remove().inspect_err(|failure| {
            self.keeps_entries = matches!(failure, Failure::Unreadable(_));
        })
    }
}
