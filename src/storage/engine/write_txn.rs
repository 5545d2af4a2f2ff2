//! The one open write transaction.

use std::cell::{Cell, RefCell};
use std::ops::{Bound, ControlFlow};

use redb::{ReadableTableMetadata, WriteTransaction};

use crate::domain::access_token::AccessToken;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::storage::engine::{Edition, Read, Table, TableKey, get, last, scan, storage};
use crate::storage::memo::Memo;
use crate::storage::rotated::{Rotated, Rotations};
use crate::tables::persistent_login::key::Place;

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
    pub(super) fn new(txn: WriteTransaction, edition: Edition) -> Self {
        Self {
            txn,
            edition,
            rotations: RefCell::default(),
            rotated: Cell::new(0),
            written: Cell::new(0),
            deleted: RefCell::default(),
            changed_access_tokens: Cell::new(false),
            afterwards: RefCell::default(),
        }
    }

    /// Notes what a rotation changed of the login at `place`. It is not written by itself: whoever
    /// commits the transaction takes the rotations and writes them first.
    pub fn rotate(&self, place: Place, rotated: Rotated) {
        self.rotations.borrow_mut().put(place, rotated);
        self.rotated.set(self.rotated.get() + 1);
    }

    /// How many logins were rotated so far.
    pub fn rotated_count(&self) -> usize {
        self.rotations.borrow().rows().len()
    }

    /// The rotations, which the caller takes over.
    pub fn take_rotations(&self) -> Rotations {
        self.rotations.take()
    }

    /// What changed of the login at `place` by rotations since the edition of this version, if its last one
    /// may have come since.
    pub fn rotated_since(&self, version: u64, place: Place) -> Option<Rotated> {
        let rotated = self.rotations.borrow().get(place);
        // Most have seen this edition or the one before, and need not search everything that is known.
        rotated.or_else(|| match self.edition.version - version {
            0 => None,
            1 => self.edition.last_rotations.get(place),
            _ => self.edition.overlay.rotated(place.id),
        })
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
        let mut open = self.open(table)?;
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
        let mut open = self.open(table)?;
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
        let mut open = self.open(table)?;
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

    fn open<K: TableKey>(
        &self,
        table: &Table<K>,
    ) -> Result<redb::Table<'_, K, &'static [u8]>, Failure> {
        self.txn.open_table(table.definition()).map_err(storage)
    }
}

impl Read for WriteTxn {
    fn get<K: TableKey, T>(
        &self,
        table: &Table<K>,
        key: K::SelfType<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        get(&self.open(table)?, key, decode)
    }

    fn scan<K: TableKey>(
        &self,
        table: &Table<K>,
        first: Bound<K::SelfType<'_>>,
        visit: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        scan(&self.open(table)?, first, visit)
    }

    fn last<K: TableKey, T>(
        &self,
        table: &Table<K>,
        visit: impl FnOnce(K::SelfType<'_>, &[u8]) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        last(&self.open(table)?, visit)
    }

    fn count<K: TableKey>(&self, table: &Table<K>) -> Result<u64, Failure> {
        self.open(table)?.len().map_err(storage)
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
