//! What open tables of snapshots and of write transactions have in common.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{Key, ReadableTable, TableDefinition};

use crate::error::Failure;
use crate::storage::engine::checksum::verify;
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

pub(super) fn get<K: TableKey, T>(
    table: &Table<K>,
    open: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match guarded(|| open.get(&key).map_err(storage))? {
        Some(stored) => {
            let record = verify(table, K::as_bytes(&key).as_ref(), stored.value())?;
            decode(record).map(Some)
        }
        None => Ok(None),
    }
}

pub(super) fn scan<K: TableKey>(
    table: &Table<K>,
    open: &impl ReadableTable<K, &'static [u8]>,
    first: Bound<K::SelfType<'_>>,
    mut visit: impl FnMut(K::SelfType<'_>, Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let range = || open.range::<K::SelfType<'_>>((first, Bound::Unbounded));
    let mut entries = guarded(|| range().map_err(storage))?;
    while let Some((key, stored)) = guarded(|| entries.next().transpose().map_err(storage))? {
        let key = key.value();
        let record = verify(table, K::as_bytes(&key).as_ref(), stored.value());
        if visit(key, record)?.is_break() {
            break;
        }
    }
    Ok(())
}
