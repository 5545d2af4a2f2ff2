//! The adapter to redb: the one file that names it.
//!
//! A [`Table`] maps keys to records, which are bytes to this file. [`ReadTxn`] is a snapshot,
//! [`WriteTxn`] the one open write transaction; both [`Read`]. Tables are opened where they are used,
//! which spares everyone a shared struct of tables; a snapshot, which many readers share, keeps those
//! that it has opened.
//!
//! Beside the file, every transaction has the [`Edition`] that belongs to it.

use std::any::Any;
use std::cell::{Cell, Ref, RefCell};
use std::fs::File;
use std::marker::PhantomData;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, OnceLock};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, Durability, Key, ReadOnlyTable, ReadTransaction,
    ReadableDatabase, ReadableTable, ReadableTableMetadata, RepairSession, StorageBackend,
    TableDefinition, TableError, WriteTransaction,
};

use crate::domain::access_token::AccessToken;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::store::lingering::Pin;
use crate::store::memo::Memo;
use crate::store::overlay::Overlay;
use crate::store::place::Place;
use crate::store::rotated::{Rotated, Rotations};

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
        Ok(ReadTxn {
            txn,
            edition,
            tables: [const { OnceLock::new() }; OPEN_TABLES_MAX],
        })
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
        Ok(WriteTxn {
            txn,
            edition,
            rotations: RefCell::default(),
            rotated: Cell::new(0),
            written: Cell::new(0),
            deleted: RefCell::default(),
            changed_access_tokens: Cell::new(false),
            afterwards: RefCell::default(),
        })
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

/// The write transaction. Dropped without [`WriteTxn::commit`], it changes nothing.
pub struct WriteTxn {
    txn: WriteTransaction,
    edition: Edition,
    rotations: RefCell<Rotations>,
    /// How many rotations were noted.
    rotated: Cell<u64>,
    /// How many entries were written or removed.
    written: Cell<u64>,
    deleted: RefCell<Vec<PersistentLoginId>>,
    changed_access_tokens: Cell<bool>,
    afterwards: RefCell<Vec<Afterwards>>,
}

/// What is to be done once a transaction is over.
pub type Afterwards = Box<dyn FnOnce() + Send>;

impl WriteTxn {
    /// Notes what a rotation changed of the login at `place`. It is not written by itself: whoever
    /// commits the transaction takes the [`WriteTxn::rotations`] and writes them first.
    pub fn rotate(&self, place: Place, rotated: Rotated) {
        self.rotations.borrow_mut().put(place, rotated);
        self.rotated.set(self.rotated.get() + 1);
    }

    /// The rotations so far.
    pub fn rotations(&self) -> Ref<'_, Rotations> {
        self.rotations.borrow()
    }

    /// Notes that the login with this id is no more.
    pub fn delete(&self, id: PersistentLoginId) {
        self.deleted.borrow_mut().push(id);
    }

    /// The logins that were deleted, which the caller takes over.
    pub fn take_deleted(&self) -> Vec<PersistentLoginId> {
        self.deleted.take()
    }

    /// Whether records, apart from rotations, are here as they are in the earlier edition of this version.
    pub fn shows_records_of(&self, version: u64) -> bool {
        self.edition.records_version <= version && !self.wrote_records()
    }

    /// Whether anything but rotations was done so far.
    pub fn wrote_records(&self) -> bool {
        self.written.get() > 0
    }

    /// Notes that access tokens are not what they were.
    pub fn change_access_tokens(&self) {
        self.changed_access_tokens.set(true);
    }

    /// How many entries were written or removed, and logins rotated, so far.
    pub fn writes(&self) -> u64 {
        self.written.get() + self.rotated.get()
    }

    /// Has `work` done once the transaction has come to its end without a failure, after the answers.
    pub fn afterwards(&self, work: impl FnOnce() + Send + 'static) {
        self.afterwards.borrow_mut().push(Box::new(work));
    }

    /// What is to be done afterwards, which the caller takes over.
    pub fn take_afterwards(&self) -> Vec<Afterwards> {
        self.afterwards.take()
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
        let mut open = self.txn.open_table(table.definition()).map_err(storage)?;
        self.written.set(self.written.get() + 1);
        open.insert(key, record).map_err(storage)?;
        Ok(())
    }

    /// Goes to the records under the keys of `changes`, as far as there are any, and puts what `change`
    /// makes of each and of what came with its key in its place; `None` leaves it as it is. Neighbours
    /// are best given one after the other.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`], or what `change` fails with.
    pub fn update<'k, K: TableKey, T>(
        &self,
        table: &Table<K>,
        changes: impl IntoIterator<Item = (K::SelfType<'k>, T)>,
        change: impl Fn(T, &[u8]) -> Result<Option<Vec<u8>>, Failure>,
    ) -> Result<(), Failure> {
        let mut open = self.txn.open_table(table.definition()).map_err(storage)?;
        for (key, with) in changes {
            let Some(mut record) = open.get_mut(key).map_err(storage)? else {
                continue;
            };
            self.written.set(self.written.get() + 1);
            if let Some(changed) = change(with, record.value())? {
                record.insert(changed.as_slice()).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Removes the entry under `key`; tells whether there was one.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    pub fn remove<K: TableKey>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
    ) -> Result<bool, Failure> {
        let mut open = self.txn.open_table(table.definition()).map_err(storage)?;
        self.written.set(self.written.get() + 1);
        let removed = open.remove(key).map_err(storage)?;
        Ok(removed.is_some())
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
        self.txn.abort().map_err(storage)
    }
}

impl Read for WriteTxn {
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        get(
            &self.txn.open_table(table.definition()).map_err(storage)?,
            key,
            decode,
        )
    }

    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        scan(
            &self.txn.open_table(table.definition()).map_err(storage)?,
            first,
            visit,
        )
    }

    fn last<K: TableKey, T>(
        &self,
        table: &Table<K>,
        visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        last(
            &self.txn.open_table(table.definition()).map_err(storage)?,
            visit,
        )
    }

    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        let open = self.txn.open_table(table.definition()).map_err(storage)?;
        open.len().map_err(storage)
    }

    fn rotated(&self, place: Place) -> Option<Rotated> {
        let rotated = self.rotations.borrow().get(place);
        rotated.or_else(|| self.edition.overlay.rotated(place.id))
    }

    /// What is certain here is what the records say.
    fn known(&self, _id: PersistentLoginId) -> Option<PersistentLogin> {
        None
    }

    /// What is read here is not committed.
    fn learn(&self, _login: &PersistentLogin) {}

    fn access_tokens(&self) -> Option<&Memo<AccessToken>> {
        (!self.changed_access_tokens.get()).then_some(&self.edition.access_tokens)
    }
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
