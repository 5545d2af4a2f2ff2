//! How much work it is to match a query with a profile.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much work one profile may be: for each text that a regular expression is matched with, its bytes times those of
/// the regular expression; and each look at a value, as [`LOOK`]. Without a bound, matching one profile could take
/// minutes, in which its thread serves nobody else; this takes some ten milliseconds at most.
const WORK_MAX: u64 = 128 << 20;

/// What a look at a value counts as: of looks alone, one profile may be 131,072, which take a few milliseconds.
const LOOK: u64 = 1 << 10;

/// The work for one profile. It can be shared, but is of one profile at a time.
#[derive(Default, Debug)]
pub struct Work(AtomicU64);

impl Work {
    /// Begins with another profile.
    pub fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Adds the work to match a text of this length. Returns whether that may be done.
    pub fn take_text(&self, text_bytes: usize, regex_bytes: usize) -> bool {
        self.take((text_bytes as u64).saturating_mul(regex_bytes as u64))
    }

    /// Adds so many looks at values. Returns whether that may be done.
    pub fn take_looks(&self, count: usize) -> bool {
        self.take((count as u64).saturating_mul(LOOK))
    }

    fn take(&self, work: u64) -> bool {
        let sum = self.0.load(Ordering::Relaxed).saturating_add(work);
        self.0.store(sum, Ordering::Relaxed);
        sum <= WORK_MAX
    }

    /// Whether there was more than may be done, so that what was found means nothing.
    pub fn is_too_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) > WORK_MAX
    }
}
