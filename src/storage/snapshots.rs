//! Which snapshots are still open, and so for how long changes must stay in the cache.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// A snapshot is open as long as one of these is left.
#[derive(Clone, Default, Debug)]
pub struct SnapshotGuard(Arc<()>);

/// The snapshots that are open, and the removals from the journal that some of them were taken before.
#[derive(Debug, Default)]
pub struct SnapshotTracker {
    /// By version, oldest first.
    snapshots: VecDeque<(u64, Weak<()>)>,
    /// The versions that removed entries from the journal, oldest first, and the first entry they left.
    removals: VecDeque<(u64, u64)>,
}

impl SnapshotTracker {
    /// The guard of a new snapshot of this version.
    pub fn open(&mut self, version: u64) -> SnapshotGuard {
        let guard = SnapshotGuard::default();
        self.snapshots
            .push_back((version, Arc::downgrade(&guard.0)));
        guard
    }

    /// Records that the commit of this version removed the entries before `first_entry`.
    pub fn removed(&mut self, version: u64, first_entry: u64) {
        self.removals.push_back((version, first_entry));
    }

    /// Forgets the snapshots that were closed. Returns the first journal entry that any of those left may
    /// depend on, if it is another than before.
    pub fn sweep(&mut self) -> Option<u64> {
        while let Some((_, guard)) = self.snapshots.front()
            && guard.strong_count() == 0
        {
            self.snapshots.pop_front();
        }
        let oldest = self.snapshots.front().map(|(version, _)| *version);
        let mut first = None;
        while let Some((version, first_entry)) = self.removals.front()
            && oldest.is_none_or(|oldest| *version <= oldest)
        {
            first = Some(*first_entry);
            self.removals.pop_front();
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_counts_once_every_older_snapshot_is_closed() {
        let mut tracker = SnapshotTracker::default();
        let (older, newer) = (tracker.open(4), tracker.open(5));
        tracker.removed(5, 8);
        assert_eq!(tracker.sweep(), None);
        let copy = older.clone();
        drop(older);
        assert_eq!(tracker.sweep(), None);
        drop(copy);
        assert_eq!(tracker.sweep(), Some(8));
        assert_eq!(tracker.sweep(), None);
        tracker.removed(6, 9);
        tracker.removed(7, 11);
        assert_eq!(tracker.sweep(), None);
        drop(newer);
        assert_eq!(tracker.sweep(), Some(11));
    }
}
