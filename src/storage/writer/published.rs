//! What the writer thread publishes for all readers: the newest snapshot, and counters.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::Failure;
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::writer::metrics::WriterMetrics;

/// What readers and the writer thread share.
#[derive(Default)]
pub struct Published {
    /// The snapshot of the newest commit; `None` while the database is not open or has failed. All readers of
    /// a commit share one snapshot, which spares each of them opening its own.
    newest: RwLock<Option<Arc<ReadTxn>>>,
    commits: AtomicU64,
    job_opens: AtomicU64,
    metrics: WriterMetrics,
}

impl Published {
    /// The newest snapshot.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] while there is none.
    pub fn snapshot(&self) -> Result<Arc<ReadTxn>, Failure> {
        self.read()
            .as_ref()
            .map(Arc::clone)
            .ok_or(Failure::Unavailable)
    }

    /// Whether there is a snapshot.
    pub fn is_open(&self) -> bool {
        self.read().is_some()
    }

    /// The number of commits of jobs.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The number of times that jobs opened a table of their write transaction, because it had been written.
    pub fn job_opens(&self) -> u64 {
        self.job_opens.load(Ordering::Relaxed)
    }

    /// What the writer thread counts.
    pub fn metrics(&self) -> &WriterMetrics {
        &self.metrics
    }

    /// Counts a batch whose jobs opened tables `opens` times.
    pub(super) fn count_job_opens(&self, opens: u64) {
        self.job_opens.fetch_add(opens, Ordering::Relaxed);
    }

    /// Counts a commit of jobs.
    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Withdraws a snapshot that turned out to be unreadable. Returns whether it was the newest.
    pub fn withdraw(&self, snapshot: &Arc<ReadTxn>) -> bool {
        let mut newest = self.write();
        let is_newest = newest
            .as_ref()
            .is_some_and(|newest| Arc::ptr_eq(newest, snapshot));
        if is_newest {
            *newest = None;
        }
        is_newest
    }

    /// Publishes another snapshot, or none.
    pub(super) fn publish(&self, snapshot: Option<Arc<ReadTxn>>) {
        *self.write() = snapshot;
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Arc<ReadTxn>>> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Arc<ReadTxn>>> {
        self.newest.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Published")
            .field("open", &self.is_open())
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}
