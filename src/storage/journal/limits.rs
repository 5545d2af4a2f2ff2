//! How much the journal holds.

use std::time::Duration;

use crate::config::Config;

/// The target for few rows: less would save no memory worth naming.
const TARGET_MIN: u64 = 4_096;

/// The target for very many rows.
const TARGET_MAX: u64 = 1 << 20;

/// The target for many rows, in square roots of their number.
const TARGET_PER_ROOT: u64 = 200;

/// The target is at most the number of rows by this, so that the journal is small beside their records.
const ROWS_PER_TARGET: u64 = 3;

/// How changes are journaled.
#[derive(Clone, Debug)]
pub struct JournalLimits {
    /// About how many rows are pending; by default it follows the number of rows.
    pub target: Option<u64>,
    /// How many rows one commit applies at least, if it applies any.
    pub apply_min: usize,
    /// How long nobody writes before the rest is applied.
    pub idle_after: Duration,
    /// About how many bytes of rows are kept in memory, so that their records need not be read again.
    pub cache_bytes: usize,
}

impl JournalLimits {
    /// The limits in the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            target: config
                .journal
                .journal_target
                .map(|target| target.get() as u64),
            apply_min: config.journal.journal_apply_min.get(),
            idle_after: config.journal.journal_idle_after,
            cache_bytes: config.storage.login_cache_size,
        }
    }

    /// The number of rows that should be pending, of so many.
    pub(super) fn target_for(&self, rows: u64) -> u64 {
        self.target.unwrap_or_else(|| {
            let by_root = TARGET_PER_ROOT * rows.isqrt();
            by_root
                .min(rows / ROWS_PER_TARGET)
                .clamp(TARGET_MIN, TARGET_MAX)
        })
    }
}
