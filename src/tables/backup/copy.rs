//! Copies all tables of a snapshot.

use crate::error::Failure;
use crate::storage::engine::copy::copy_table;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::{Engine, EngineOptions};
use crate::tables::backup::record;

/// How a copy is opened: it is written in the order of the keys, which needs little memory.
pub const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 16 << 20,
    two_phase_commit: false,
};

/// Called with the name of the table that is at work, how many of its entries are done, and how many there are. A
/// failure ends the work.
pub type Progress<'p> = dyn FnMut(&str, u64, u64) -> Result<(), Failure> + 'p;

/// Copies all tables of `from`, but for that of backups, to `to`, which has none. Returns them with the number of their
/// entries.
///
/// # Errors
///
/// As [`copy_table`].
pub fn copy_tables(
    from: &EngineRead,
    to: &Engine,
    progress: &mut Progress<'_>,
) -> Result<Vec<(String, u64)>, Failure> {
    copy_named(from, to, |name| name != record::TABLE_NAME, progress)
}

/// As [`copy_tables`], with that of backups: a restore that was cut off may have left it.
///
/// # Errors
///
/// As there.
pub fn copy_all(
    from: &EngineRead,
    to: &Engine,
    progress: &mut Progress<'_>,
) -> Result<Vec<(String, u64)>, Failure> {
    copy_named(from, to, |_| true, progress)
}

fn copy_named(
    from: &EngineRead,
    to: &Engine,
    is_wanted: impl Fn(&str) -> bool,
    progress: &mut Progress<'_>,
) -> Result<Vec<(String, u64)>, Failure> {
    let mut tables = Vec::new();
    for name in from.table_names()? {
        if !is_wanted(&name) {
            continue;
        }
        let copied = copy_table(from, to, &name, &mut |done, of| progress(&name, done, of))?;
        tables.push((name, copied));
    }
    Ok(tables)
}
