//! Transactions: a snapshot or the one open write transaction of the file, with what belongs to its state in
//! memory. A table is read the same way in both, through [`Read`].

pub mod commit_state;
pub mod read_txn;
pub mod row_changes;
pub mod skip_damage;
pub mod write_txn;

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::error::Failure;
use crate::storage::engine::open_table::TableKey;
use crate::storage::table::{JournaledTable, Table};

/// A value that is computed from a whole small table, or more than one, and kept until a commit writes to it.
pub trait Derived: Sized + Send + Sync + 'static {
    /// The names of the tables.
    const TABLES: &'static [&'static str];

    /// Computes the value.
    ///
    /// # Errors
    ///
    /// Of the storage.
    fn derive(txn: &impl Read) -> Result<Self, Failure>;
}

/// What snapshots and write transactions have in common.
pub trait Read {
    /// What `decode` makes of the record under `key`, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `decode` fails with.
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure>;

    /// Calls `visit` with the entries from `first` on, in the order of their keys, until it breaks off. An entry
    /// that does not match its checksum is given as that failure; its key may be wrong, too.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `visit` fails with.
    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure>;

    /// The number of entries in the table.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure>;

    /// Whether the table has no entry.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    fn is_empty<K: TableKey>(&self, table: &Table<K>) -> Result<bool, Failure> {
        Ok(self.count(table)? == 0)
    }

    /// What `decode` makes of the key and the record of the row with this identity, if it is in memory; else
    /// it has to be looked for by its key.
    ///
    /// # Errors
    ///
    /// What `decode` fails with.
    fn cached_row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        identity: &[u8],
        decode: impl FnOnce(&[u8; N], &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure>;

    /// What `decode` makes of the record of the row under `key`, or `None` if there is none. The row is kept
    /// in memory for the next look.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `decode` fails with.
    fn row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure>;

    /// Calls `visit` with the rows from `first` on, in the order of their keys, until it breaks off. A row that
    /// does not match its checksum is given as that failure; its key may be wrong, too.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `visit` fails with.
    fn scan_rows<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        first: Bound<&[u8; N]>,
        visit: impl FnMut(&[u8; N], Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure>;

    /// The derived value, computed if need be.
    ///
    /// # Errors
    ///
    /// What computing it fails with.
    fn derived<D: Derived>(&self) -> Result<Arc<D>, Failure>;
}
