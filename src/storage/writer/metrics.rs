//! What the writer thread counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::histogram::{DURATION_BOUNDS, DurationHistogram, Histogram};
use crate::storage::journal::Backlog;

/// The largest numbers of jobs of the ranges.
const JOB_BOUNDS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1_024];

/// See the module. The writer alone writes to it, so that it is in none of the memory that others write to.
#[derive(Debug)]
#[repr(align(128))]
pub struct WriterMetrics {
    /// How many jobs a commit had.
    pub batch_jobs: Histogram<10>,
    /// How long a commit took, with its sync, in microseconds.
    pub commit_duration: DurationHistogram,
    /// How often the storage failed.
    pub failures: AtomicU64,
    pending_rows: AtomicU64,
    entries: AtomicU64,
    target: AtomicU64,
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self {
            batch_jobs: Histogram::new(&JOB_BOUNDS),
            commit_duration: Histogram::new(&DURATION_BOUNDS),
            failures: AtomicU64::default(),
            pending_rows: AtomicU64::default(),
            entries: AtomicU64::default(),
            target: AtomicU64::default(),
        }
    }
}

impl WriterMetrics {
    /// What is pending in the journal.
    pub fn backlog(&self) -> Backlog {
        Backlog {
            pending_rows: self.pending_rows.load(Ordering::Relaxed),
            entries: self.entries.load(Ordering::Relaxed),
            target: self.target.load(Ordering::Relaxed),
        }
    }

    /// Notes what is pending in the journal.
    pub(super) fn set_backlog(&self, backlog: Backlog) {
        let Backlog {
            pending_rows,
            entries,
            target,
        } = backlog;
        self.pending_rows.store(pending_rows, Ordering::Relaxed);
        self.entries.store(entries, Ordering::Relaxed);
        self.target.store(target, Ordering::Relaxed);
    }
}
