//! The one open write transaction on the database file.

use std::cell::{Cell, RefCell};
use std::ops::{Bound, ControlFlow};

use redb::{ReadableTableMetadata, TableError, WriteTransaction};

use crate::error::Failure;
use crate::storage::engine::checksum::{checksum, verify};
use crate::storage::engine::damage::{self, Damage};
use crate::storage::engine::open_table::{TableKey, definition, get, guarded, reading, storage};
use crate::storage::engine::scan::scan;
use crate::storage::table::Table;

/// The write transaction. Dropped without [`EngineWrite::commit`], it changes nothing.
pub struct EngineWrite {
    txn: WriteTransaction,
    damage: Damage,
    /// How many entries were written or removed.
    writes: Cell<u64>,
    /// The names of the tables that were written.
    written: RefCell<Vec<&'static str>>,
    /// How many times a table was opened.
    opens: Cell<u64>,
}

impl EngineWrite {
    pub(super) fn new(txn: WriteTransaction, damage: Damage) -> Self {
        Self {
            txn,
            damage,
            writes: Cell::new(0),
            written: RefCell::default(),
            opens: Cell::new(0),
        }
    }

    pub(super) fn txn(&self) -> &WriteTransaction {
        &self.txn
    }

    /// The number of entries that were written or removed so far.
    pub fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// The names of the tables that were written so far.
    pub fn written(&self) -> Vec<&'static str> {
        self.written.borrow().clone()
    }

    /// Whether the table of this name was written so far.
    pub fn has_written(&self, table: &str) -> bool {
        self.written.borrow().contains(&table)
    }

    /// The number of times that a table was opened so far.
    pub fn opens(&self) -> u64 {
        self.opens.get()
    }

    /// As [`EngineRead::get`](super::read::EngineRead::get), with what this transaction wrote.
    ///
    /// # Errors
    ///
    /// As there; [`Failure::Internal`] if the table is being written, as every method here.
    pub fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let open = self.open(table)?;
        let found = get(table, &self.damage, &open, key)?;
        found.map(|found| decode(found.record())).transpose()
    }

    /// As [`EngineRead::scan`](super::read::EngineRead::scan), with what this transaction wrote.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        mut visit: impl FnMut(
            K::SelfType<'_>,
            Result<&[u8], Failure>,
        ) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        scan(table, &self.damage, &self.open(table)?, first, &mut visit)
    }

    /// As [`EngineRead::count`](super::read::EngineRead::count), with what this transaction wrote.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        let open = self.open(table)?;
        self.guard(table, || open.len().map_err(reading))
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
        let mut open = self.open_to_write(table)?;
        self.insert(table, &mut open, key, record)
    }

    /// Puts each of these entries as [`EngineWrite::put`] does. The table is opened once, and the pages of neighbors
    /// are found soonest next to each other: the entries are best given in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn put_all<'k, K: TableKey>(
        &self,
        table: &Table<K>,
        entries: &mut dyn Iterator<Item = (K::SelfType<'k>, Vec<u8>)>,
    ) -> Result<(), Failure> {
        let mut open = self.open_to_write(table)?;
        for (key, record) in entries {
            self.insert(table, &mut open, key, &record)?;
        }
        Ok(())
    }

    fn insert<K: TableKey>(
        &self,
        table: &Table<K>,
        open: &mut redb::Table<'_, K, &'static [u8]>,
        key: K::SelfType<'_>,
        record: &[u8],
    ) -> Result<(), Failure> {
        self.writes.set(self.writes.get() + 1);
        if !table.is_checked {
            return self.guard(table, || {
                open.insert(&key, record).map(drop).map_err(reading)
            });
        }
        let sum = checksum(K::as_bytes(&key).as_ref(), record);
        let bytes = record.len() + sum.len();
        self.guard(table, || {
            // In its place at once, without a copy of both together.
            let mut stored = open.insert_reserve(&key, bytes).map_err(reading)?;
            let (record_place, sum_place) = stored.as_mut().split_at_mut(record.len());
            record_place.copy_from_slice(record);
            sum_place.copy_from_slice(&sum);
            Ok(())
        })
    }

    /// Replaces the records under the keys of `changes`, as far as there are any, by what `change` makes of
    /// what came with the key and of the record, or of the failure if that does not match its checksum; `None`
    /// leaves it as it is. Neighbors are best given next to each other.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `change` fails with.
    pub fn update<'k, K: TableKey, T>(
        &self,
        table: &Table<K>,
        changes: impl IntoIterator<Item = (K::SelfType<'k>, T)>,
        change: impl Fn(T, Result<&[u8], Failure>) -> Result<Option<Vec<u8>>, Failure>,
    ) -> Result<(), Failure> {
        let mut open = self.open_to_write(table)?;
        for (key, with) in changes {
            let open = &mut open;
            let Some(mut stored) = self.guard(table, || open.get_mut(&key).map_err(reading))?
            else {
                continue;
            };
            self.writes.set(self.writes.get() + 1);
            let key = K::as_bytes(&key);
            let record = verify(table, key.as_ref(), stored.value());
            if let Some(mut changed) = change(with, record)? {
                if table.is_checked {
                    let sum = checksum(key.as_ref(), &changed);
                    changed.extend(sum);
                }
                self.guard(table, || stored.insert(changed.as_slice()).map_err(reading))?;
            }
        }
        Ok(())
    }

    /// Removes the table, which should have few entries left: its pages are freed one by one.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn delete_table<K: TableKey>(&self, table: &Table<K>) -> Result<(), Failure> {
        self.writes.set(self.writes.get() + 1);
        self.guard(table, || {
            let deleted = self.txn.delete_table(definition(table));
            deleted.map(drop).map_err(reading)
        })
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
        let mut open = self.open_to_write(table)?;
        self.writes.set(self.writes.get() + 1);
        self.guard(table, || Ok(open.remove(key).map_err(reading)?.is_some()))
    }

    /// Makes everything written durable and visible; when this returns `Ok`, it is on disk.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`]: after a reopen, all of it may be there or none of it.
    pub fn commit(self) -> Result<(), Failure> {
        self.txn.commit().map_err(storage)
    }

    /// Undoes everything, without touching the disk.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database failed.
    pub fn abort(self) -> Result<(), Failure> {
        guarded(|| self.txn.abort().map_err(storage))
    }

    fn guard<K, T>(
        &self,
        table: &Table<K>,
        call: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        damage::guard(&self.damage, table.name, call)
    }

    fn open_to_write<K: TableKey>(
        &self,
        table: &Table<K>,
    ) -> Result<redb::Table<'_, K, &'static [u8]>, Failure> {
        let open = self.open(table)?;
        if !self.has_written(table.name) {
            self.written.borrow_mut().push(table.name);
        }
        Ok(open)
    }

    fn open<K: TableKey>(
        &self,
        table: &Table<K>,
    ) -> Result<redb::Table<'_, K, &'static [u8]>, Failure> {
        self.opens.set(self.opens.get() + 1);
        self.guard(table, || {
            let opened = self.txn.open_table(definition(table));
            opened.map_err(|error| match error {
                // A fault of the caller, and none of the storage.
                TableError::TableAlreadyOpen(name, _) => {
                    Failure::Internal(format!("table {name} is open already"))
                }
                error => reading(error),
            })
        })
    }
}
