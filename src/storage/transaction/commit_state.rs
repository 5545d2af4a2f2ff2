//! What belongs to a state of the database beside its file: what one commit published.

use std::sync::Arc;

use crate::error::Failure;
use crate::storage::cache::derived::DerivedValues;
use crate::storage::cache::rows::RowCache;
use crate::storage::snapshots::SnapshotGuard;
use crate::storage::table::RowFormat;

/// See the module.
#[derive(Clone, Debug)]
pub struct CommitState {
    /// The rows of the journaled tables in memory, with what their records do not have yet. All states share
    /// them.
    pub rows: Arc<RowCaches>,
    /// What was computed from small tables.
    pub derived: Arc<DerivedValues>,
    /// Keeps changes in the cache that the records of this state do not have.
    pub guard: SnapshotGuard,
    /// Higher with every commit.
    pub version: u64,
}

/// The row cache of each journaled table.
#[derive(Debug)]
pub struct RowCaches(Vec<RowCache>);

impl RowCaches {
    /// Empty ones for tables of these formats, each of which keeps rows of about `bytes_max` bytes together, divided by
    /// what its format says.
    pub fn new(formats: &[RowFormat], bytes_max: usize) -> Self {
        let caches = formats
            .iter()
            .map(|format| RowCache::new(*format, bytes_max / format.cache_divisor));
        Self(caches.collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &RowCache> {
        self.0.iter()
    }

    /// The cache of the table with this tag.
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`] if no such table is journaled.
    pub fn of(&self, tag: u8) -> Result<&RowCache, Failure> {
        let found = self.0.iter().find(|cache| cache.format().tag == tag);
        found.ok_or_else(|| Failure::Internal(format!("no table {tag} is journaled")))
    }

    /// See [`RowCache::release`].
    pub fn release(&self, first_entry: u64) {
        self.iter().for_each(|cache| cache.release(first_entry));
    }

    /// See [`RowCache::trim`].
    pub fn trim(&self) {
        self.iter().for_each(RowCache::trim);
    }
}
