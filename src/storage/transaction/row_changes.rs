//! What one transaction did to rows of journaled tables.

use hashbrown::HashMap;

use crate::storage::cache::rows::NewRow;
use crate::storage::table::RowKey;

/// The rows that a transaction changed by deltas or removed, the last change of each.
#[derive(Default)]
pub struct RowChanges {
    rows: Vec<(RowKey, RowChange)>,
    /// Where in `rows` a row is.
    indexes: HashMap<RowKey, usize>,
    updates: u64,
}

/// What a transaction did to a row.
pub enum RowChange {
    /// It changed by this delta and is now this row.
    Updated {
        /// The row with its record.
        row: NewRow,
        /// What is journaled.
        delta: Box<[u8]>,
    },
    /// It is no more.
    Removed,
}

impl RowChanges {
    /// What was done to the row with this key.
    pub fn get(&self, key: &RowKey) -> Option<&RowChange> {
        self.indexes.get(key).map(|&index| &self.rows[index].1)
    }

    /// Records what was done to the row with this key.
    pub fn put(&mut self, key: RowKey, change: RowChange) {
        match &change {
            RowChange::Updated { .. } => self.updates += 1,
            RowChange::Removed => {}
        }
        match self.indexes.get(&key) {
            Some(&index) => self.rows[index].1 = change,
            None => {
                self.indexes.insert(key, self.rows.len());
                self.rows.push((key, change));
            }
        }
    }

    /// How many updates were recorded, of one row or of several.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The rows that were changed and their deltas.
    pub fn updated(&self) -> impl Iterator<Item = (&RowKey, &[u8])> {
        self.rows.iter().filter_map(|(key, change)| match change {
            RowChange::Updated { delta, .. } => Some((key, &**delta)),
            RowChange::Removed => None,
        })
    }

    /// Everything, in the order in which the rows were first changed.
    pub fn into_rows(self) -> impl Iterator<Item = (RowKey, RowChange)> {
        self.rows.into_iter()
    }
}
