//! What the journal needs of a table whose rows it changes.

use crate::error::Failure;
use crate::storage::cache::rows::RowCache;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{JournaledTable, RowFormat, RowKey};

/// A table whose rows are journaled, whatever the size of its keys.
pub trait Journaled: Sync {
    /// The format of its rows.
    fn format(&self) -> RowFormat;

    /// The number of its rows.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    fn count(&self, file: &EngineRead) -> Result<u64, Failure>;

    /// Writes into its records what `cache` has of the rows with these keys, as far as there are records.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    fn apply(&self, file: &EngineWrite, rows: &[RowKey], cache: &RowCache) -> Result<(), Failure>;

    /// Whether the page of the row with this key can be read.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    fn is_readable(&self, file: &EngineRead, row: &RowKey) -> Result<bool, Failure>;
}

impl<const N: usize> Journaled for JournaledTable<N> {
    fn format(&self) -> RowFormat {
        JournaledTable::format(self)
    }

    fn count(&self, file: &EngineRead) -> Result<u64, Failure> {
        file.count(&self.table)
    }

    fn apply(&self, file: &EngineWrite, rows: &[RowKey], cache: &RowCache) -> Result<(), Failure> {
        let keys: Vec<&[u8; N]> = rows.iter().map(RowKey::fixed).collect::<Result<_, _>>()?;
        let changes = keys.into_iter().map(|key| (key, key));
        file.update(&self.table, changes, |key, stored| {
            match cache.pending(key, stored) {
                Err(Failure::Corrupt(cause)) => {
                    tracing::warn!(cause, "a change of an unreadable record is dropped");
                    Ok(None)
                }
                applied => applied,
            }
        })
    }

    fn is_readable(&self, file: &EngineRead, row: &RowKey) -> Result<bool, Failure> {
        match file.get(&self.table, row.fixed()?, |_| Ok(())) {
            Ok(_) | Err(Failure::Corrupt(_)) => Ok(true),
            Err(Failure::Unreadable(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
