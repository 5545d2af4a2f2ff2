//! Copying the entries of one table.

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::raw::checked_record;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::seen::Seen;
use crate::storage::pages::tables::TableRoot;
use crate::storage::pages::walk::Entry;
use crate::tables::salvage::batch::Batch;
use crate::tables::salvage::loose::Wanted;

/// The indexes, which are made from the records.
const INDEXES: [&str; 7] = [
    "persistent_login_by_creation",
    "persistent_login_profile",
    "profile_by_username",
    "profile_count",
    "ticket_by_digest",
    "ticket_by_request",
    "verification_token_by_creation",
];

/// Called with the name of the table that is being copied, and how many of its entries were.
pub type Progress<'p> = dyn FnMut(&str, u64, u64) + 'p;

/// Copies what can be read of `table`, if it is not an index. Returns how many entries could be read.
pub(super) fn copy_table(
    from: &PageFile,
    table: &TableRoot,
    to: &Engine,
    is_checked: bool,
    seen: &mut Seen,
    wanted: &mut Wanted,
    progress: &mut Progress<'_>,
) -> Result<u64, Failure> {
    let mut batch = Batch::new(table, to);
    let mut count = 0;
    from.walk(table, seen, &mut |entry: Entry<'_>| {
        let is_right = if is_checked {
            checked_record(entry.key, entry.value).is_some()
        } else {
            entry.is_intact
        };
        if !is_right {
            return;
        }
        count += 1;
        if count % 256 == 0 {
            progress(&table.name, count, table.length);
        }
        if is_checked {
            wanted.add(&table.name, &entry);
        }
        if !is_index(table) {
            batch.add(entry.key, entry.value);
        }
    });
    progress(&table.name, count, table.length);
    batch.finish()?;
    Ok(count)
}

/// Whether a table is one whose entries are made from others.
pub(super) fn is_index(table: &TableRoot) -> bool {
    INDEXES.contains(&&*table.name)
}
