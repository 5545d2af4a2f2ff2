//! What one transaction did to rows of journaled tables.

use std::ops::Range;

use hashbrown::HashMap;

use crate::storage::table::RowKey;

/// The rows that a transaction changed by deltas or removed, the last change of each.
#[derive(Default)]
pub struct RowChanges {
    rows: Vec<(RowKey, Change)>,
    /// Where in `rows` a row is.
    indexes: HashMap<RowKey, usize>,
    /// The records and deltas, one after the other.
    bytes: Vec<u8>,
    updates: u64,
}

/// What a transaction did to a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowChange<'c> {
    /// It changed.
    Updated {
        /// The record now.
        record: &'c [u8],
        /// What is journaled.
        delta: &'c [u8],
    },
    /// It is no more.
    Removed,
}

/// As [`RowChange`], with places in the shared bytes.
enum Change {
    Updated {
        record: Range<usize>,
        delta: Range<usize>,
    },
    Removed,
}

impl RowChanges {
    /// What was done to the row with this key.
    pub fn get(&self, key: &RowKey) -> Option<RowChange<'_>> {
        let index = *self.indexes.get(key)?;
        Some(self.change(&self.rows[index].1))
    }

    /// Records that the row with this key changed by `delta`, and has this record now.
    pub fn update(&mut self, key: RowKey, delta: &[u8], record: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(delta);
        self.updates += 1;
        let change = Change::Updated {
            record: start..middle,
            delta: middle..self.bytes.len(),
        };
        self.put(key, change);
    }

    /// Records that the row with this key was removed.
    pub fn remove(&mut self, key: RowKey) {
        self.put(key, Change::Removed);
    }

    /// How many updates were recorded, of one row or of several.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Everything, in the order in which the rows were first changed.
    pub fn iter(&self) -> impl Iterator<Item = (&RowKey, RowChange<'_>)> {
        self.rows
            .iter()
            .map(|(key, change)| (key, self.change(change)))
    }

    /// The rows that were changed and their deltas.
    pub fn updated(&self) -> impl Iterator<Item = (&RowKey, &[u8])> {
        self.iter().filter_map(|(key, change)| match change {
            RowChange::Updated { delta, .. } => Some((key, delta)),
            RowChange::Removed => None,
        })
    }

    /// The same memory, for another transaction.
    #[must_use]
    pub fn clear(mut self) -> Self {
        self.rows.clear();
        self.indexes.clear();
        self.bytes.clear();
        self.updates = 0;
        self
    }

    fn put(&mut self, key: RowKey, change: Change) {
        let next = self.rows.len();
        let index = *self.indexes.entry(key).or_insert(next);
        if index == next {
            self.rows.push((key, change));
        } else {
            self.rows[index].1 = change;
        }
    }

    fn change(&self, change: &Change) -> RowChange<'_> {
        match change {
            Change::Updated { record, delta } => RowChange::Updated {
                record: &self.bytes[record.clone()],
                delta: &self.bytes[delta.clone()],
            },
            Change::Removed => RowChange::Removed,
        }
    }
}
