//! The adapter to redb: the one place that names it.
//!
//! A [`Table`] maps keys to records, which are bytes here. [`ReadTxn`] is a snapshot,
//! [`WriteTxn`] the one open write transaction; both [`Read`]. Tables are opened where they are used,
//! which spares everyone a shared struct of tables; a snapshot, which many readers share, keeps those
//! that it has opened.
//!
//! Beside the file, every transaction has the [`Edition`] that belongs to it.

pub mod read_txn;
pub mod write_txn;

use std::fs::File;
use std::marker::PhantomData;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, Durability, Key, ReadableDatabase, ReadableTable,
    RepairSession, StorageBackend, TableDefinition,
};

use crate::domain::access_token::AccessToken;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::storage::cache::Overlay;
use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::memo::Memo;
use crate::storage::rotated::{Rotated, Rotations};
use crate::storage::snapshots::Pin;
use crate::tables::persistent_login::key::Place;

/// A key of exactly `N` bytes.
pub type Fixed<const N: usize> = &'static [u8; N];

/// A key that is text.
pub type Text = &'static str;

/// A key that is any bytes.
pub type Bytes = &'static [u8];

/// A kind of key that a table may have.
pub trait TableKey: Key + Send + Sync + 'static {}

impl<K: Key + Send + Sync + 'static> TableKey for K {}

/// A named, ordered map from keys to records.
pub struct Table<K: TableKey> {
    name: &'static str,
    keys: PhantomData<fn(K)>,
}

impl<K: TableKey> Table<K> {
    /// The table of this name.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            keys: PhantomData,
        }
    }

    fn definition(&self) -> TableDefinition<'static, K, &'static [u8]> {
        TableDefinition::new(self.name)
    }
}

/// How the database is opened and committed.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Memory for cached pages, in bytes.
    pub cache_bytes: usize,
    /// Whether a commit writes and syncs twice, so that it needs no trust in checksums.
    pub two_phase_commit: bool,
}

/// What belongs to a state of the database beside its file.
#[derive(Clone, Debug)]
pub struct Edition {
    /// What is known of logins, with what rotations changed and the records do not tell yet.
    pub overlay: Arc<Overlay>,
    /// Access tokens that were looked up.
    pub access_tokens: Arc<Memo<AccessToken>>,
    /// Keeps in the overlay what this edition's records do not tell.
    pub pin: Pin,
    /// Higher with every commit.
    pub version: u64,
    /// The version of the last commit that wrote anything but rotations.
    pub records_version: u64,
    /// What the last commit rotated.
    pub last_rotations: Arc<Rotations>,
}

/// Memory for cached pages while a database is repaired, in bytes.
const REPAIR_CACHE_BYTES: usize = 1 << 20;

/// An open database.
pub struct Engine {
    database: Database,
    two_phase_commit: bool,
}

impl Engine {
    /// Opens the database in `file`, or makes one of an empty file. Repairs it after a crash.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the file cannot be read, is locked or is no database.
    pub fn open_file(file: File, options: &EngineOptions) -> Result<Self, Failure> {
        let backend = || {
            let file = file
                .try_clone()
                .map_err(|error| Failure::Storage(error.to_string()))?;
            FileBackend::new(file).map_err(storage)
        };
        let opened = builder(options.cache_bytes)
            .set_repair_callback(RepairSession::abort)
            .create_with_backend(backend()?);
        match opened {
            Ok(database) => Ok(Self::new(database, options)),
            Err(DatabaseError::RepairAborted) => {
                tracing::info!("the database was not closed cleanly; repairing it");
                // A repair reads every page in turn, for which a small cache is twice as fast as one
                // that outgrows the processor's own.
                builder(REPAIR_CACHE_BYTES)
                    .create_with_backend(backend()?)
                    .map_err(storage)?
                    .close()
                    .map_err(storage)?;
                Self::open_backend(backend()?, options)
            }
            Err(error) => Err(storage(error)),
        }
    }

    /// Opens the database that `backend` holds, or makes one if it is empty: how tests give the
    /// database a disk that loses power or fails.
    ///
    /// # Errors
    ///
    /// As [`Engine::open_file`].
    pub fn open_backend(
        backend: impl StorageBackend,
        options: &EngineOptions,
    ) -> Result<Self, Failure> {
        let database = builder(options.cache_bytes)
            .create_with_backend(backend)
            .map_err(storage)?;
        Ok(Self::new(database, options))
    }

    /// An empty database that is gone when it is dropped.
    #[cfg(test)]
    pub fn in_memory(options: &EngineOptions) -> Self {
        let backend = redb::backends::InMemoryBackend::new();
        Self::open_backend(backend, options).expect("memory does not fail")
    }

    fn new(database: Database, options: &EngineOptions) -> Self {
        Self {
            database,
            two_phase_commit: options.two_phase_commit,
        }
    }

    /// A snapshot of everything committed so far, which is of this edition.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database failed earlier.
    pub fn begin_read(&self, edition: Edition) -> Result<ReadTxn, Failure> {
        let txn = self.database.begin_read().map_err(storage)?;
        Ok(ReadTxn::new(txn, edition))
    }

    /// The write transaction, which begins with this edition; waits while another is open.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if the database failed earlier.
    pub fn begin_write(&self, edition: Edition) -> Result<WriteTxn, Failure> {
        let mut txn = self.database.begin_write().map_err(storage)?;
        txn.set_durability(Durability::Immediate).map_err(storage)?;
        txn.set_two_phase_commit(self.two_phase_commit);
        Ok(WriteTxn::new(txn, edition))
    }

    /// Closes the database so that the next open needs no repair.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`] if that could not be written.
    pub fn close(self) -> Result<(), Failure> {
        self.database.close().map_err(storage)
    }
}

fn builder(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

fn storage(error: impl Into<redb::Error>) -> Failure {
    Failure::Storage(error.into().to_string())
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

    /// Shows `visit` the entries from `first` on, in the order of their keys, until it breaks off.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `visit` fails with.
    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure>;

    /// Shows `visit` the entry with the highest key, if there is one.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `visit` fails with.
    fn last<K: TableKey, T>(
        &self,
        table: &Table<K>,
        visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure>;

    /// How many entries the table has.
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

    /// What the last rotation of the login at `place` changed, if its record may not tell it yet.
    fn rotated(&self, place: Place) -> Option<Rotated>;

    /// The login with this id, up to date, if it need not be read.
    fn known(&self, id: PersistentLoginId) -> Option<PersistentLogin>;

    /// Takes note of a login that was read, up to date, for whoever asks for it next.
    fn learn(&self, login: &PersistentLogin);

    /// The access tokens that were looked up; `None` if they may not be what they were.
    fn access_tokens(&self) -> Option<&Memo<AccessToken>>;
}

fn get<K: TableKey, T>(
    open: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match open.get(key).map_err(storage)? {
        Some(record) => decode(record.value()).map(Some),
        None => Ok(None),
    }
}

fn scan<K: TableKey>(
    open: &impl ReadableTable<K, &'static [u8]>,
    first: Bound<K::SelfType<'_>>,
    mut visit: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    for entry in open
        .range::<K::SelfType<'_>>((first, Bound::Unbounded))
        .map_err(storage)?
    {
        let (key, record) = entry.map_err(storage)?;
        if visit(key.value(), record.value())?.is_break() {
            break;
        }
    }
    Ok(())
}

fn last<K: TableKey, T>(
    open: &impl ReadableTable<K, &'static [u8]>,
    visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match open.last().map_err(storage)? {
        Some((key, record)) => visit(key.value(), record.value()).map(Some),
        None => Ok(None),
    }
}
