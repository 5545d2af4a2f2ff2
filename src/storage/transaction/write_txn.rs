//! The one open write transaction.
//!
//! As long as it has not written to a table, it reads from the snapshot of the last commit, which is the same
//! and has its tables open and its caches full: a write to one table slows down no look into another.

use std::cell::RefCell;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::error::Failure;
use crate::storage::cache::derived::DerivedValues;
use crate::storage::engine::open_table::TableKey;
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{JournaledTable, Table};
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::row_changes::{RowChange, RowChanges};
use crate::storage::transaction::{Derived, Read};

/// The write transaction. Dropped without a commit, it changes nothing.
pub struct WriteTxn {
    file: EngineWrite,
    /// The snapshot of the last commit.
    base: Arc<ReadTxn>,
    changes: RefCell<RowChanges>,
    on_commit: RefCell<Vec<OnCommit>>,
    /// What was computed from tables that this transaction wrote to, since it did.
    derived: RefCell<DerivedValues>,
    /// Memory for the record of one row.
    scratch: RefCell<Vec<u8>>,
}

/// What is to be run once a transaction is committed.
pub type OnCommit = Box<dyn FnOnce() + Send>;

impl WriteTxn {
    /// The transaction `file`, which begins with the state of `base` and uses the memory of earlier changes.
    pub fn new(file: EngineWrite, base: Arc<ReadTxn>, memory: RowChanges) -> Self {
        Self {
            file,
            base,
            changes: RefCell::new(memory.clear()),
            on_commit: RefCell::default(),
            derived: RefCell::default(),
            scratch: RefCell::default(),
        }
    }

    /// The file alone.
    pub fn file(&self) -> &EngineWrite {
        &self.file
    }

    /// The file and what was done to rows of journaled tables, which the caller takes over.
    pub fn into_parts(self) -> (EngineWrite, RowChanges) {
        (self.file, self.changes.into_inner())
    }

    /// How many entries were written or removed, and rows updated, so far.
    pub fn writes(&self) -> u64 {
        self.file.writes() + self.changes.borrow().updates()
    }

    /// Has `work` run once the transaction is committed, or aborted because nothing was written, after its
    /// callers were answered.
    pub fn on_commit(&self, work: impl FnOnce() + Send + 'static) {
        self.on_commit.borrow_mut().push(Box::new(work));
    }

    /// How many times [`WriteTxn::on_commit`] was called.
    pub fn on_commit_count(&self) -> usize {
        self.on_commit.borrow().len()
    }

    /// Forgets all but the first `count` that were given to [`WriteTxn::on_commit`].
    pub fn truncate_on_commit(&self, count: usize) {
        self.on_commit.borrow_mut().truncate(count);
    }

    /// What is to be run once the transaction is committed, which the caller takes over.
    pub fn take_on_commit(&self) -> Vec<OnCommit> {
        self.on_commit.take()
    }

    /// Puts `record` under `key`, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn put<K: TableKey>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        record: &[u8],
    ) -> Result<(), Failure> {
        self.forget_derived(table.name);
        self.file.put(table, key, record)
    }

    /// Puts each of these entries as [`WriteTxn::put`] does. They are best given in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn put_all<'k, K: TableKey>(
        &self,
        table: &Table<K>,
        entries: impl IntoIterator<Item = (K::SelfType<'k>, Vec<u8>)>,
    ) -> Result<(), Failure> {
        self.forget_derived(table.name);
        self.file.put_all(table, &mut entries.into_iter())
    }

    /// Removes the entry under `key`. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn remove<K: TableKey>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
    ) -> Result<bool, Failure> {
        self.forget_derived(table.name);
        self.file.remove(table, key)
    }

    /// Inserts a row whose key was never used before.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn insert_row<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        record: &[u8],
    ) -> Result<(), Failure> {
        self.file.put(&table.table, key, record)
    }

    /// Inserts rows whose keys were never used before. They are best given in the order of these.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn insert_rows<'k, const N: usize>(
        &self,
        table: &JournaledTable<N>,
        rows: impl IntoIterator<Item = (&'k [u8; N], Vec<u8>)>,
    ) -> Result<(), Failure> {
        self.file.put_all(&table.table, &mut rows.into_iter())
    }

    /// Changes the row under `key` by `delta`. The delta is journaled with the commit, and written into the
    /// record later.
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`] if there is no such row, else as [`Read::row`].
    pub fn update_row<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        delta: &[u8],
    ) -> Result<(), Failure> {
        let mut record = self.scratch.take();
        record.clear();
        let mut apply = |before: &[u8]| (table.apply)(before, delta, &mut record);
        let identity = &key[table.identity..];
        let found = match self.cached_row(table, identity, |_, before| apply(before))? {
            None => self.row(table, key, apply)?,
            found => found,
        };
        if found.is_none() {
            return Err(Failure::Internal("no row to be updated".to_owned()));
        }
        let mut changes = self.changes.borrow_mut();
        changes.update(table.row_key(key), delta, &record);
        self.scratch.replace(record);
        Ok(())
    }

    /// Removes the row under `key`.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn remove_row<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
    ) -> Result<(), Failure> {
        self.file.remove(&table.table, key)?;
        self.changes.borrow_mut().remove(table.row_key(key));
        Ok(())
    }

    fn forget_derived(&self, table: &'static str) {
        if !self.derived.borrow().depend_on(table) {
            return;
        }
        let left = self.derived.borrow().without(&[table]);
        self.derived.replace(left);
    }

    /// What `decode` makes of what this transaction did to the row, if it changed or removed it.
    fn changed<const N: usize, T, D: FnOnce(Result<&[u8], Failure>) -> Result<T, Failure>>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        decode: D,
    ) -> Changed<T, D> {
        match self.changes.borrow().get(&table.row_key(key)) {
            Some(RowChange::Updated { record, .. }) => Changed::Yes(decode(Ok(record)).map(Some)),
            Some(RowChange::Removed) => Changed::Yes(Ok(None)),
            None => Changed::No(decode),
        }
    }
}

/// Whether a transaction changed a row; if not, what was to decode it is given back.
enum Changed<T, D> {
    Yes(Result<Option<T>, Failure>),
    No(D),
}

impl Read for WriteTxn {
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        if self.file.has_written(table.name) {
            self.file.get(table, key, decode)
        } else {
            self.base.get(table, key, decode)
        }
    }

    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        if self.file.has_written(table.name) {
            self.file.scan(table, first, visit)
        } else {
            self.base.scan(table, first, visit)
        }
    }

    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        if self.file.has_written(table.name) {
            self.file.count(table)
        } else {
            self.base.count(table)
        }
    }

    fn cached_row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        identity: &[u8],
        decode: impl FnOnce(&[u8; N], &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let found = self.base.cached_row(table, identity, |key, record| {
            let decode = |record: Result<&[u8], Failure>| decode(key, record?);
            match self.changed(table, key, decode) {
                Changed::Yes(changed) => changed,
                Changed::No(decode) => decode(Ok(record)).map(Some),
            }
        })?;
        Ok(found.flatten())
    }

    fn row<const N: usize, T>(
        &self,
        table: &JournaledTable<N>,
        key: &[u8; N],
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let decode = |record: Result<&[u8], Failure>| decode(record?);
        let decode = match self.changed(table, key, decode) {
            Changed::Yes(changed) => return changed,
            Changed::No(decode) => decode,
        };
        if !self.file.has_written(table.table.name) {
            return self.base.row(table, key, |record| decode(Ok(record)));
        }
        let cache = self.base.state().rows.of(table.tag)?;
        let current = |stored: &[u8]| cache.current(key, Ok(stored), decode);
        self.file.get(&table.table, key, current)
    }

    fn scan_rows<const N: usize>(
        &self,
        table: &JournaledTable<N>,
        first: Bound<&[u8; N]>,
        mut visit: impl FnMut(&[u8; N], Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let cache = self.base.state().rows.of(table.tag)?;
        self.scan(&table.table, first, |key, stored| {
            let visit = |record: Result<&[u8], Failure>| visit(key, record);
            match self.changed(table, key, visit) {
                // A row that was removed is in no scan.
                Changed::Yes(visited) => Ok(visited?.unwrap_or(ControlFlow::Continue(()))),
                Changed::No(visit) => cache.current(key, stored, visit),
            }
        })
    }

    fn derived<D: Derived>(&self) -> Result<Arc<D>, Failure> {
        let mut tables = D::TABLES.iter();
        if tables.any(|table| self.file.has_written(table)) {
            self.derived.borrow().get(D::TABLES, || D::derive(self))
        } else {
            self.base.derived()
        }
    }
}
