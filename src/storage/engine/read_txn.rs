//! A snapshot of the database.

use std::any::Any;
use std::ops::{Bound, ControlFlow};
use std::sync::OnceLock;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTableMetadata, TableError};

use crate::domain::access_token::AccessToken;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::storage::engine::{Edition, Read, Table, TableKey, get, last, scan, storage};
use crate::storage::memo::Memo;
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login::key::Place;

/// A snapshot, shared by any number of threads.
pub struct ReadTxn {
    txn: ReadTransaction,
    edition: Edition,
    /// The tables opened so far, by name, each a [`Opened`] of its own key type.
    tables: [OnceLock<(&'static str, Box<dyn Any + Send + Sync>)>; OPEN_TABLES_MAX],
}

/// How many tables a snapshot keeps open; more are opened anew each time.
const OPEN_TABLES_MAX: usize = 16;

/// An open table, or none if nothing was ever put there.
struct Opened<K: TableKey>(Option<ReadOnlyTable<K, &'static [u8]>>);

impl ReadTxn {
    pub(super) fn new(txn: ReadTransaction, edition: Edition) -> Self {
        Self {
            txn,
            edition,
            tables: [const { OnceLock::new() }; OPEN_TABLES_MAX],
        }
    }

    /// What belongs to this state of the database beside its file.
    pub fn edition(&self) -> &Edition {
        &self.edition
    }

    /// Shows `look` the table, and opens it if need be.
    fn with_table<K: TableKey, T>(
        &self,
        table: &Table<K>,
        look: impl FnOnce(&Opened<K>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let name = table.name;
        for place in &self.tables {
            if place.get().is_none() {
                let opened: Box<dyn Any + Send + Sync> = Box::new(self.open(table)?);
                // Another thread may have been faster, with this table or with another.
                let _ = place.set((name, opened));
            }
            let Some((found, opened)) = place.get() else {
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

    fn open<K: TableKey>(&self, table: &Table<K>) -> Result<Opened<K>, Failure> {
        match self.txn.open_table(table.definition()) {
            Ok(open) => Ok(Opened(Some(open))),
            Err(TableError::TableDoesNotExist(_)) => Ok(Opened(None)),
            Err(error) => Err(storage(error)),
        }
    }
}

impl Read for ReadTxn {
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.with_table(table, |Opened(open)| match open {
            Some(open) => get(open, key, decode),
            None => Ok(None),
        })
    }

    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.with_table(table, |Opened(open)| match open {
            Some(open) => scan(open, first, visit),
            None => Ok(()),
        })
    }

    fn last<K: TableKey, T>(
        &self,
        table: &Table<K>,
        visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.with_table(table, |Opened(open)| match open {
            Some(open) => last(open, visit),
            None => Ok(None),
        })
    }

    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        self.with_table(table, |Opened(open)| match open {
            Some(open) => open.len().map_err(storage),
            None => Ok(0),
        })
    }

    fn rotated(&self, place: Place) -> Option<Rotated> {
        self.edition.overlay.rotated(place.id)
    }

    fn known(&self, id: PersistentLoginId) -> Option<PersistentLogin> {
        self.edition.overlay.login(id)
    }

    fn learn(&self, login: &PersistentLogin) {
        self.edition.overlay.learn(login, self.edition.version);
    }

    fn access_tokens(&self) -> Option<&Memo<AccessToken>> {
        Some(&self.edition.access_tokens)
    }
}
