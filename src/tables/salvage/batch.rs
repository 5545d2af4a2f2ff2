//! Entries on their way into a new database.

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::raw::{self, RawEntry};
use crate::storage::pages::tables::TableRoot;

/// How many entries are written in one transaction.
pub(super) const BATCH_MAX: usize = 4_096;

/// How many bytes the entries of one transaction have at most, but for the last one.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// The entries of a table that are to be written, in bounded transactions.
pub(super) struct Batch<'a> {
    table: &'a TableRoot,
    to: &'a Engine,
    entries: Vec<RawEntry>,
    /// How many bytes they have.
    bytes: usize,
    /// The first failure: an entry is added where none can be returned.
    outcome: Result<(), Failure>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(table: &'a TableRoot, to: &'a Engine) -> Self {
        Self {
            table,
            to,
            entries: Vec::new(),
            bytes: 0,
            outcome: Ok(()),
        }
    }

    pub(super) fn add(&mut self, key: &[u8], stored: &[u8]) {
        self.entries.push((key.to_vec(), Some(stored.to_vec())));
        self.bytes += key.len() + stored.len();
        let is_full = self.entries.len() >= BATCH_MAX || self.bytes >= BATCH_BYTES_MAX;
        if is_full {
            match &self.outcome {
                Ok(()) => self.outcome = self.write(),
                // The rest is not needed either.
                Err(_) => self.entries.clear(),
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.outcome.clone()?;
        self.write()
    }

    fn write(&mut self) -> Result<(), Failure> {
        let file = self.to.begin_write()?;
        raw::write(&file, &self.table.name, self.table.keys, &self.entries)?;
        self.entries.clear();
        self.bytes = 0;
        file.commit()
    }
}
