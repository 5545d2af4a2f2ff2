//! Entries as they are stored, of tables that are known only when a file is read: how a file is copied entry by entry.

use redb::{Key, TableDefinition};

use crate::error::Failure;
use crate::storage::engine::checksum::checksum;
use crate::storage::engine::open_table::{guarded, storage};
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{Bytes, Fixed, KeyKind, Text};

/// A key, and what is stored under it; `None` if nothing is to be.
pub type RawEntry = (Vec<u8>, Option<Vec<u8>>);

/// The record in what is stored under `key`, if it ends with its checksum.
pub fn checked_record<'s>(key: &[u8], stored: &'s [u8]) -> Option<&'s [u8]> {
    let (record, sum) = stored.split_last_chunk()?;
    (*sum == checksum(key, record)).then_some(record)
}

/// What is stored under `key` for `record`, with its checksum.
pub fn with_checksum(key: &[u8], record: &[u8]) -> Vec<u8> {
    [record, &checksum(key, record)].concat()
}

/// Puts and removes entries of the table of this name. Returns how many were not, because their keys are none of the
/// table's.
///
/// # Errors
///
/// [`Failure::Storage`]; [`Failure::Unusable`] for a kind of keys that no table has.
pub fn write(
    file: &EngineWrite,
    table: &str,
    keys: KeyKind,
    entries: &[RawEntry],
) -> Result<usize, Failure> {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match keys {
                $(KeyKind::Fixed($width) => write_typed::<Fixed<$width>>(file, table, entries, |key| {
                    key.len() == $width
                }),)*
                KeyKind::Bytes => write_typed::<Bytes>(file, table, entries, |_| true),
                KeyKind::Text => write_typed::<Text>(file, table, entries, |key| str::from_utf8(key).is_ok()),
                KeyKind::Fixed(width) => Err(Failure::Unusable(format!(
                    "table {table} has keys of {width} bytes, which this rememberd does not know"
                ))),
            }
        };
    }
    by_width! { 4 8 12 16 20 24 28 32 }
}

fn write_typed<K: Key + 'static>(
    file: &EngineWrite,
    table: &str,
    entries: &[RawEntry],
    is_key: impl Fn(&[u8]) -> bool,
) -> Result<usize, Failure> {
    let definition = TableDefinition::<K, &[u8]>::new(table);
    let mut left_out = 0;
    guarded(|| {
        let mut open = file.txn().open_table(definition).map_err(storage)?;
        for (key, stored) in entries {
            if !is_key(key) {
                left_out += 1;
                continue;
            }
            let key = K::from_bytes(key);
            match stored {
                Some(stored) => open.insert(key, stored.as_slice()).map(drop),
                None => open.remove(key).map(drop),
            }
            .map_err(storage)?;
        }
        Ok(())
    })?;
    Ok(left_out)
}
