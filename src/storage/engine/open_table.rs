//! What open tables of snapshots and of write transactions have in common.

use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{AccessGuard, Key, ReadableTable, TableDefinition};

use crate::error::Failure;
use crate::storage::engine::checksum::verify;
use crate::storage::engine::damage::{Damage, guard};
use crate::storage::table::Table;

/// A kind of key that a table may have.
pub trait TableKey: Key + Send + Sync + 'static {}

impl<K: Key + Send + Sync + 'static> TableKey for K {}

pub(super) fn definition<K: TableKey>(
    table: &Table<K>,
) -> TableDefinition<'static, K, &'static [u8]> {
    TableDefinition::new(table.name)
}

pub(super) fn storage(error: impl Into<redb::Error>) -> Failure {
    Failure::Storage(error.into().to_string())
}

/// Runs a call of the database's library, which may panic over what is on the disk: that is a failure of the
/// storage, not of the request that came upon it, and must not take the writer with it.
///
/// # Errors
///
/// What `call` fails with; [`Failure::Storage`] if it panics.
pub fn guarded<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_panic| Err(Failure::Storage("the database panicked".to_owned())))
}

/// An error of the library that read pages: what is wrong with one of them is damage, and everything else a failure of
/// the storage.
pub(super) fn reading(error: impl Into<redb::Error>) -> Failure {
    match error.into() {
        redb::Error::Corrupted(cause) => Failure::Unreadable(cause),
        // The library found another type than the one that the table was created with.
        error @ (redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)) => Failure::Unreadable(error.to_string()),
        error => Failure::Storage(error.to_string()),
    }
}

/// A record that was found, and is what was put.
pub(super) struct Found<'t> {
    stored: AccessGuard<'t, &'static [u8]>,
    record_bytes: usize,
}

impl Found<'_> {
    /// The record.
    pub(super) fn record(&self) -> &[u8] {
        &self.stored.value()[..self.record_bytes]
    }
}

/// The record under `key`. What is done with it is not a parameter, so that there is one such function for each kind of
/// key, and not for each caller.
pub(super) fn get<'t, K: TableKey>(
    table: &Table<K>,
    damage: &Damage,
    open: &'t impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
) -> Result<Option<Found<'t>>, Failure> {
    let found = guard(damage, table.name, || {
        let found = open.get(&key).map_err(reading)?;
        // It panics if it is not within its page.
        found.as_ref().map(AccessGuard::value);
        Ok(found)
    })?;
    match found {
        Some(stored) => {
            let key = K::as_bytes(&key);
            let record = verify(table, key.as_ref(), stored.value());
            let record = record.inspect_err(|_| drop(damage.report(table.name)))?;
            let record_bytes = record.len();
            Ok(Some(Found {
                stored,
                record_bytes,
            }))
        }
        None => {
            let is_damaged = damage.is_known_in(table.name);
            if is_damaged && !table.is_sparse {
                return Err(damage.report(table.name));
            }
            // That nothing is found in a sparse table is the usual case, and on the path of every refresh.
            if is_damaged || !table.is_sparse {
                verify_missing(table, damage, open, key)?;
            }
            Ok(None)
        }
    }
}

/// Verifies that there is no entry under `key`: those around it are what was put, and in order. On a damaged page, and
/// on the way to a wrong one, they are not.
fn verify_missing<K: TableKey>(
    table: &Table<K>,
    damage: &Damage,
    open: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
) -> Result<(), Failure> {
    let key_bytes = K::as_bytes(&key);
    let key_bytes = key_bytes.as_ref();
    guard(damage, table.name, || {
        if open.is_empty().map_err(reading)? {
            return Ok(());
        }
        let key = || K::from_bytes(key_bytes);
        let before = open.range(..key()).map_err(reading)?.next_back();
        let after = open.range(key()..).map_err(reading)?.next();
        for (entry, order) in [(before, Ordering::Less), (after, Ordering::Greater)] {
            let Some((found, stored)) = entry.transpose().map_err(reading)? else {
                continue;
            };
            let found = found.value();
            let found = K::as_bytes(&found);
            verify(table, found.as_ref(), stored.value())
                .map_err(|failure| Failure::Unreadable(failure.to_string()))?;
            if K::compare(found.as_ref(), key_bytes) != order {
                return Err(out_of_order());
            }
        }
        Ok(())
    })
}

pub(super) fn out_of_order() -> Failure {
    Failure::Unreadable("its keys are not in order".to_owned())
}
