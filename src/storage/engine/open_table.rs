//! What open tables of snapshots and of write transactions have in common.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};
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

/// What is called with each entry of a scan.
pub(super) type Visit<'v, K> = dyn FnMut(
        <K as redb::Value>::SelfType<'_>,
        Result<&[u8], Failure>,
    ) -> Result<ControlFlow<()>, Failure>
    + 'v;

pub(super) fn scan<K: TableKey>(
    table: &Table<K>,
    damage: &Damage,
    open: &impl ReadableTable<K, &'static [u8]>,
    first: Bound<K::SelfType<'_>>,
    visit: &mut Visit<'_, K>,
) -> Result<(), Failure> {
    let is_whole = matches!(first, Bound::Unbounded);
    match guard(damage, table.name, || is_start_ordered(table, open, &first)) {
        // What comes before the start and cannot be read does not belong to the scan.
        Ok(true) | Err(Failure::Unreadable(_)) => {}
        Ok(false) => return Err(damage.report(table.name)),
        Err(failure) => return Err(failure),
    }
    let (mut entries, count) = guard(damage, table.name, || {
        let entries = open
            .range::<K::SelfType<'_>>((first, Bound::Unbounded))
            .map_err(reading)?;
        Ok((entries, open.len().map_err(reading)?))
    })?;
    let mut visited = 0;
    let mut previous: Option<AccessGuard<'_, K>> = None;
    loop {
        let next = guard(damage, table.name, || {
            let Some((key, stored)) = entries.next().transpose().map_err(reading)? else {
                return Ok(None);
            };
            let is_ordered = previous
                .as_ref()
                .is_none_or(|previous| is_before::<K>(&previous.value(), &key.value()));
            // It panics if it is not within its page.
            stored.value();
            if is_ordered {
                Ok(Some((key, stored)))
            } else {
                Err(out_of_order())
            }
        })?;
        let Some((key, stored)) = next else {
            break;
        };
        visited += 1;
        let flow = {
            let key = key.value();
            let record = verify(table, K::as_bytes(&key).as_ref(), stored.value());
            visit(key, record.inspect_err(|_| drop(damage.report(table.name))))?
        };
        if flow.is_break() {
            return Ok(());
        }
        previous = Some(key);
    }
    if is_whole && visited != count {
        // A page was passed over.
        return Err(damage.report(table.name));
    }
    Ok(())
}

/// Whether what comes before `first` does, and is what was put: a damaged page can lead to a wrong place.
fn is_start_ordered<K: TableKey>(
    table: &Table<K>,
    open: &impl ReadableTable<K, &'static [u8]>,
    first: &Bound<K::SelfType<'_>>,
) -> Result<bool, Failure> {
    let (Bound::Included(key) | Bound::Excluded(key)) = first else {
        return Ok(true);
    };
    let key = K::as_bytes(key);
    let before = open.range(..K::from_bytes(key.as_ref())).map_err(reading)?;
    let found = { before }.next_back().transpose().map_err(reading)?;
    Ok(found.is_none_or(|(found, stored)| {
        let found = found.value();
        let is_whole = verify(table, K::as_bytes(&found).as_ref(), stored.value()).is_ok();
        is_whole && is_before::<K>(&found, &K::from_bytes(key.as_ref()))
    }))
}

fn is_before<K: TableKey>(one: &K::SelfType<'_>, other: &K::SelfType<'_>) -> bool {
    K::compare(K::as_bytes(one).as_ref(), K::as_bytes(other).as_ref()).is_lt()
}

fn out_of_order() -> Failure {
    Failure::Unreadable("its keys are not in order".to_owned())
}
