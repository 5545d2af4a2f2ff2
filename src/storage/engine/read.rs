//! A snapshot of the database file.

use std::any::Any;
use std::ops::{Bound, ControlFlow};
use std::sync::OnceLock;

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableError, TableHandle,
};

use crate::error::Failure;
use crate::storage::engine::checksum::verify;
use crate::storage::engine::damage::{ALL_TABLES, Damage, guard};
use crate::storage::engine::open_table::{TableKey, definition, get, reading, storage};
use crate::storage::engine::scan::scan;
use crate::storage::table::Table;

/// A snapshot, shared by any number of threads.
pub struct EngineRead {
    txn: ReadTransaction,
    damage: Damage,
    /// The tables opened so far, by name, each an [`OpenTable`] of its own key type.
    tables: [OnceLock<(&'static str, Box<dyn Any + Send + Sync>)>; OPEN_TABLES_MAX],
}

/// How many tables a snapshot keeps open; more are opened anew each time.
const OPEN_TABLES_MAX: usize = 16;

/// An open table, or none if nothing was ever put there.
struct OpenTable<K: TableKey>(Option<ReadOnlyTable<K, &'static [u8]>>);

impl EngineRead {
    pub(super) fn new(txn: ReadTransaction, damage: Damage) -> Self {
        Self {
            txn,
            damage,
            tables: [const { OnceLock::new() }; OPEN_TABLES_MAX],
        }
    }

    pub(super) fn txn(&self) -> &ReadTransaction {
        &self.txn
    }

    /// What `decode` makes of the record under `key`, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], [`Failure::Corrupt`] if it does not match its checksum, or what `decode` fails with.
    pub fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.with_table(table, |OpenTable(open)| match open {
            Some(open) => {
                let found = get(table, &self.damage, open, key)?;
                found.map(|found| decode(found.record())).transpose()
            }
            None => Ok(None),
        })
    }

    /// Calls `visit` with the entries from `first` on, in the order of their keys, until it breaks off. An entry
    /// that does not match its checksum is given as that failure; its key may be wrong, too.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `visit` fails with.
    pub fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        mut visit: impl FnMut(
            K::SelfType<'_>,
            Result<&[u8], Failure>,
        ) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.with_table(table, |OpenTable(open)| match open {
            Some(open) => scan(table, &self.damage, open, first, &mut visit),
            None => Ok(()),
        })
    }

    /// Calls `visit` with the entry that has the highest key, if there is one.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], [`Failure::Corrupt`] if it does not match its checksum, or what `visit` fails with.
    pub fn last<K: TableKey, T>(
        &self,
        table: &Table<K>,
        visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.with_table(table, |OpenTable(open)| {
            let last = guard(&self.damage, table.name, || {
                let last = open.as_ref().map(ReadableTable::last).transpose();
                let last = last.map_err(reading)?.flatten();
                // They panic if they are not within their page.
                last.as_ref()
                    .map(|(key, stored)| (key.value(), stored.value()));
                Ok(last)
            })?;
            match last {
                Some((key, stored)) => {
                    let key = key.value();
                    let record = verify(table, K::as_bytes(&key).as_ref(), stored.value());
                    let record = record.inspect_err(|_| drop(self.damage.report(table.name)))?;
                    visit(key, record).map(Some)
                }
                None => Ok(None),
            }
        })
    }

    /// The number of entries in the table.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        self.with_table(table, |OpenTable(open)| match open {
            Some(open) => guard(&self.damage, table.name, || open.len().map_err(reading)),
            None => Ok(0),
        })
    }

    /// The size of the file in bytes.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the file cannot be asked.
    pub fn file_bytes(&self) -> Result<u64, Failure> {
        let length = self.damage.file().len();
        length.map_err(|error| storage(redb::Error::Io(error)))
    }

    /// What is known of damaged parts of the file.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// The names of all tables in the file.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn table_names(&self) -> Result<Vec<String>, Failure> {
        let tables = guard(&self.damage, ALL_TABLES, || {
            self.txn.list_tables().map_err(reading)
        })?;
        Ok(tables.map(|table| table.name().to_owned()).collect())
    }

    /// Calls `look` with the table, which is opened if need be.
    fn with_table<K: TableKey, T>(
        &self,
        table: &Table<K>,
        look: impl FnOnce(&OpenTable<K>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let name = table.name;
        for slot in &self.tables {
            if slot.get().is_none() {
                let opened: Box<dyn Any + Send + Sync> = Box::new(self.open(table)?);
                // Another thread may have been faster, with this table or with another.
                let _ = slot.set((name, opened));
            }
            let Some((found, opened)) = slot.get() else {
                continue;
            };
            if *found == name
                && let Some(opened) = opened.downcast_ref()
            {
                return look(opened);
            }
        }
        look(&self.open(table)?)
    }

    fn open<K: TableKey>(&self, table: &Table<K>) -> Result<OpenTable<K>, Failure> {
        guard(&self.damage, table.name, || {
            match self.txn.open_table(definition(table)) {
                Ok(open) => Ok(OpenTable(Some(open))),
                Err(TableError::TableDoesNotExist(_)) => Ok(OpenTable(None)),
                Err(error) => Err(reading(error)),
            }
        })
    }
}
