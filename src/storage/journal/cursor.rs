//! How far the journaled changes have been applied.

use crate::storage::table::RowKey;

/// A position in the rounds in which pending changes are applied, in the order of their keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ApplyCursor {
    /// How many rounds were finished.
    pub(super) cycle: u64,
    /// The row applied last in this round; `None` at its beginning.
    pub(super) position: Option<RowKey>,
}

impl ApplyCursor {
    pub(super) const START: Self = Self {
        cycle: 0,
        position: None,
    };

    /// Whether the cursor, which is here now, has passed `row` since it was at `then`.
    pub(super) fn has_passed(self, then: Self, row: RowKey) -> bool {
        let is_behind = |position: Option<RowKey>| position.is_some_and(|position| row <= position);
        match self.cycle.checked_sub(then.cycle) {
            Some(0) => !is_behind(then.position) && is_behind(self.position),
            Some(1) => !is_behind(then.position) || is_behind(self.position),
            _ => true,
        }
    }

    /// Whether the cursor, which is here now, has passed every row since it was at `then`.
    pub(super) fn has_passed_all(self, then: Self) -> bool {
        let round_later = Self {
            cycle: then.cycle + 1,
            position: then.position,
        };
        round_later <= self
    }
}
