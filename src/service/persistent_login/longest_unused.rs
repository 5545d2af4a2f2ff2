//! The logins of a profile that were unused longest: those that end for the cap.

use std::collections::BinaryHeap;

use crate::clock::timeline::Moment;
use crate::domain::persistent_login::PersistentLoginId;
use crate::service::persistent_login::validity::Validity;
use crate::tables::persistent_login::usage::Usage;

/// When a login was used last, and its id: the first one in this order goes first.
pub(super) type Candidate = (Moment, PersistentLoginId);

/// The logins of a profile that may end for the cap, as they were a moment ago.
pub(super) struct Candidates {
    /// How many valid ones there were.
    pub(super) valid: usize,
    /// Some of those unused longest, that unused longest first.
    pub(super) longest_unused: Vec<Candidate>,
}

/// Collects those unused longest of the valid logins that it is given.
pub(super) struct LongestUnused {
    count_max: usize,
    valid: usize,
    /// The one of them that was used last comes first.
    candidates: BinaryHeap<Candidate>,
}

impl LongestUnused {
    pub(super) fn new(count_max: usize) -> Self {
        Self {
            count_max,
            valid: 0,
            candidates: BinaryHeap::new(),
        }
    }

    pub(super) fn push(&mut self, validity: &Validity, usage: &Usage) {
        if validity.of(usage).is_err() {
            return;
        }
        self.valid += 1;
        let candidate = (usage.last_used, usage.id);
        if self.candidates.len() < self.count_max {
            self.candidates.push(candidate);
        } else if let Some(mut newest) = self.candidates.peek_mut()
            && candidate < *newest
        {
            *newest = candidate;
        }
    }

    pub(super) fn into_candidates(self) -> Candidates {
        Candidates {
            valid: self.valid,
            longest_unused: self.candidates.into_sorted_vec(),
        }
    }
}
