//! Copying whole tables of a snapshot into another database, entry by entry as they are stored.
//!
//! A table is known by its name alone: what its keys are is found by opening it. Entries are appended in the order of
//! their keys, so that the library packs full pages: the copy is smaller than a file that grew by single writes.

use std::ops::Bound;

use redb::{CursorError, ReadableTableMetadata, TableDefinition, TableError};

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::damage::{ALL_TABLES, guard};
use crate::storage::engine::open_table::{TableKey, guarded, reading, storage};
use crate::storage::engine::read::EngineRead;
use crate::storage::table::{Bytes, Fixed, Text};

/// How many bytes the entries of one transaction have, about: what of them is not on the disk yet is bounded, and with
/// it how long a sync of another file on the same disk may take.
const TRANSACTION_BYTES: usize = 512 << 10;

/// Called after each transaction with the number of entries of the table that are copied, and that there are. A failure
/// ends the copying.
pub type Step<'s> = dyn FnMut(u64, u64) -> Result<(), Failure> + 's;

/// Copies all entries of the table of this name into a table of `to` that does not exist yet, in bounded durable
/// transactions. Returns their number.
///
/// # Errors
///
/// [`Failure::Unreadable`] if an entry cannot be read, or is not where it belongs; [`Failure::Unusable`] for a kind of
/// keys that no table has; [`Failure::Storage`]; what `step` fails with.
pub fn copy_table(
    from: &EngineRead,
    to: &Engine,
    name: &str,
    step: &mut Step<'_>,
) -> Result<u64, Failure> {
    macro_rules! by_type {
        ($($key:ty)*) => {
            $(
                if let Some(copied) = copy_typed::<$key>(from, to, name, step)? {
                    return Ok(copied);
                }
            )*
        };
    }
    by_type! {
        Bytes Text Fixed<4> Fixed<8> Fixed<12> Fixed<16> Fixed<20> Fixed<24> Fixed<28> Fixed<32>
    }
    Err(Failure::Unusable(format!(
        "table {name} has keys of a kind that this rememberd does not know"
    )))
}

/// As [`copy_table`]; `None` if the table has other keys.
fn copy_typed<K: TableKey>(
    from: &EngineRead,
    to: &Engine,
    name: &str,
    step: &mut Step<'_>,
) -> Result<Option<u64>, Failure> {
    let damage = from.damage();
    let definition = TableDefinition::<K, &[u8]>::new(name);
    let opened = guard(damage, ALL_TABLES, || {
        let open = match from.txn().open_table(definition) {
            Ok(open) => open,
            Err(TableError::TableTypeMismatch { .. }) => return Ok(None),
            Err(error) => return Err(reading(error)),
        };
        let entries = open.range::<K::SelfType<'_>>(..).map_err(reading)?;
        Ok(Some((entries, open.len().map_err(reading)?)))
    })?;
    let Some((mut entries, count)) = opened else {
        return Ok(None);
    };
    let out_of_order = || Failure::Unreadable(format!("table {name}: its keys are not in order"));
    let mut copied = 0;
    let mut is_over = false;
    while !is_over {
        let file = to.begin_write()?;
        guarded(|| {
            let mut table = file.txn().open_table(definition).map_err(storage)?;
            let mut end = table
                .upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded)
                .map_err(storage)?;
            let mut bytes = 0;
            while bytes < TRANSACTION_BYTES {
                let next = guard(damage, ALL_TABLES, || {
                    let next = entries.next().transpose().map_err(reading)?;
                    // They panic if they are not within their page.
                    next.as_ref()
                        .map(|(key, stored)| (key.value(), stored.value()));
                    Ok(next)
                })?;
                let Some((key, stored)) = next else {
                    is_over = true;
                    break;
                };
                let (key, stored) = (key.value(), stored.value());
                bytes += K::as_bytes(&key).as_ref().len() + stored.len();
                copied += 1;
                end.insert_before(key, stored)
                    .map_err(|error| match error {
                        CursorError::UnorderedKey => out_of_order(),
                        error => storage(error),
                    })?;
            }
            end.close().map_err(storage)
        })?;
        file.commit()?;
        step(copied, count)?;
    }
    if copied == count {
        Ok(Some(copied))
    } else {
        // A page was passed over.
        Err(Failure::Unreadable(format!(
            "table {name}: {copied} of {count} entries were found"
        )))
    }
}
