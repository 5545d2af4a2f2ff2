//! A snapshot of the database.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::error::Failure;
use crate::storage::engine::open_table::TableKey;
use crate::storage::engine::read::EngineRead;
use crate::storage::table::{JournaledTable, Table};
use crate::storage::transaction::commit_state::CommitState;
use crate::storage::transaction::{Derived, Read};

/// A snapshot, shared by any number of threads.
pub struct ReadTxn {
    file: EngineRead,
    state: CommitState,
}

impl ReadTxn {
    /// The snapshot of `file` with the state that belongs to it.
    pub fn new(file: EngineRead, state: CommitState) -> Self {
        Self { file, state }
    }

    /// What belongs to this state of the database beside its file.
    pub fn state(&self) -> &CommitState {
        &self.state
    }

    /// The file alone, without what its records do not have yet.
    pub fn file(&self) -> &EngineRead {
        &self.file
    }
}

impl Read for ReadTxn {
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.file.get(table, key, decode)
    }

    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.file.scan(table, first, visit)
    }

    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        self.file.count(table)
    }

    fn cached_row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        identity: &[u8],
        decode: impl FnOnce(&[u8; N], &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let cache = self.state.rows.of(table.tag)?;
        let found = cache.record(identity, |key, record| {
            decode(
                key.try_into().expect("keys of a table have one length"),
                record,
            )
        });
        found.transpose()
    }

    fn row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let cache = self.state.rows.of(table.tag)?;
        self.file.get(&table.table, key, |stored| {
            let found = cache.current(key, Ok(stored), |record| record.and_then(decode))?;
            cache.insert(key, stored, self.state.version);
            Ok(found)
        })
    }

    fn scan_rows<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        first: Bound<&[u8; N]>,
        mut visit: impl FnMut(&[u8; N], Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let cache = self.state.rows.of(table.tag)?;
        self.file.scan(&table.table, first, |key, stored| {
            cache.current(key, stored, |record| visit(key, record))
        })
    }

    fn derived<D: Derived>(&self) -> Result<Arc<D>, Failure> {
        self.state.derived.get(D::TABLES, || D::derive(self))
    }
}
