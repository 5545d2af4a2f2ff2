//! What open tables of snapshots and of write transactions have in common.

use std::ops::{Bound, ControlFlow};

use redb::{Key, ReadableTable, TableDefinition};

use crate::error::Failure;
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

pub(super) fn get<K: TableKey, T>(
    open: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match open.get(key).map_err(storage)? {
        Some(record) => decode(record.value()).map(Some),
        None => Ok(None),
    }
}

pub(super) fn scan<K: TableKey>(
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
