//! How much work the regular expressions of a query are.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much work they may be for one profile: for each text, its bytes times those of the regular expression. Without a
/// bound, matching one profile could take minutes, in which its thread serves nobody else; this takes some ten
/// milliseconds at most.
const WORK_MAX: u64 = 128 << 20;

/// The work for one profile. It can be shared, but is of one profile at a time.
#[derive(Default, Debug)]
pub struct Work(AtomicU64);

impl Work {
    /// Begins with another profile.
    pub fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Adds the work to match a text of this length. Returns whether that may be done.
    pub fn take(&self, text_bytes: usize, regex_bytes: usize) -> bool {
        let work = (text_bytes as u64).saturating_mul(regex_bytes as u64);
        let sum = self.0.load(Ordering::Relaxed).saturating_add(work);
        self.0.store(sum, Ordering::Relaxed);
        sum <= WORK_MAX
    }

    /// Whether there was more than may be done, so that what was found means nothing.
    pub fn is_too_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) > WORK_MAX
    }
}
