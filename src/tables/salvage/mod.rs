//! Copies what can be read of a damaged database file into a new one.
//!
//! 1. Every entry whose page, or whose own checksum, is right is copied as it is. The indexes are left out.
//! 2. Entries that are known to be missing are looked for on the pages that are in no tree: under a page of keys that
//!    is lost lie pages that are not. A login is taken from there only if another table has an entry for it, so that
//!    one that has ended does not come back.
//! 3. The copy is upgraded if need be, its journal is applied, and its indexes are made from its records.

mod batch;
mod copy;
mod loose;

use std::collections::BTreeMap;

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::engine::raw;
use crate::storage::journal::Journal;
use crate::storage::journal::limits::JournalLimits;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::seen::{DamagedPage, Seen};
use crate::tables::backup::complete::complete as complete_backup;
use crate::tables::check::report::Mend;
use crate::tables::check::schema_of;
use crate::tables::profile::login_block;
use crate::tables::salvage::batch::BATCH_MAX;
use crate::tables::salvage::copy::{Progress, is_index};
use crate::tables::secret_key::KeySource;
use crate::tables::upgrade::{self, FIRST_VERSION, SCHEMA_VERSION};
use crate::tables::{JOURNALED, meta};

/// What was copied.
#[derive(Default, Debug)]
pub struct Copied {
    /// The tables that are copied.
    pub tables: Vec<CopiedTable>,
    /// What is damaged in the file.
    pub damages: Vec<String>,
    /// The logins that are lost and that another table has an entry for: their profiles, and digests of their ids.
    pub lost_logins: Vec<String>,
    /// Whether the list of tables was damaged, and an earlier one was used.
    pub is_earlier: bool,
}

/// How much of a table was copied.
#[derive(Clone, Debug)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// How many entries were copied.
    pub copied: u64,
    /// How many of them were found on pages that are in no tree.
    pub found: u64,
    /// How many are lost.
    pub lost: u64,
}

impl Copied {
    /// How many entries are lost.
    pub fn lost(&self) -> u64 {
        self.tables.iter().map(|table| table.lost).sum()
    }

    /// Whether it is not known of every profile whether its logins may be used.
    pub fn has_lost_blocks(&self) -> bool {
        let is_lost = |table: &CopiedTable| table.name == login_block::TABLE_NAME && table.lost > 0;
        self.is_earlier || self.tables.iter().any(is_lost)
    }
}

/// Copies the entries of `from` into `to`, which is empty. Nothing of it is consistent yet.
///
/// # Errors
///
/// [`Failure::Damaged`] if no table can be found, [`Failure::Unusable`] if the schema is not known; failures of the
/// storage of `to`.
pub fn copy(from: &PageFile, to: &Engine, progress: &mut Progress<'_>) -> Result<Copied, Failure> {
    let mut seen = Seen::default();
    let mut tables = from.tables(&mut seen);
    let mut copied = Copied::default();
    if tables.is_empty() {
        tables = loose::earlier_tables(from, &seen);
    }
    copied.is_earlier = !seen.damaged.is_empty();
    if tables.is_empty() {
        return copy_loose(from, to, seen);
    }
    let schema = match schema_of(from, &tables) {
        Some(version) if version > SCHEMA_VERSION => {
            return Err(Failure::Unusable(format!(
                "it has schema version {version}, and this rememberd knows version {SCHEMA_VERSION} at most: use a \
                 newer one"
            )));
        }
        Some(version) => version,
        None if loose::has_checksums(from, &tables) => SCHEMA_VERSION,
        None => {
            let cause = "its schema version cannot be read, and its entries have no checksums";
            return Err(Failure::Damaged(cause.to_owned()));
        }
    };
    let is_checked = schema >= meta::CHECKED_SINCE;
    let mut wanted = loose::Wanted::default();
    let mut counts = BTreeMap::new();
    for table in &tables {
        let count = copy::copy_table(
            from,
            table,
            to,
            is_checked,
            &mut seen,
            &mut wanted,
            progress,
        )?;
        counts.insert(table.name.clone(), count);
    }
    copied.damages = describe(&seen);
    for table in &tables {
        let count = counts.get(&table.name).copied().unwrap_or(0);
        let missing = table.length.saturating_sub(count);
        let is_index = is_index(table);
        let found = if missing > 0 && schema == SCHEMA_VERSION && !is_index {
            let found = loose::recover(from, table, to, &seen, &wanted)?;
            wanted.add_found(&table.name, &found);
            found.len() as u64
        } else {
            0
        };
        copied.tables.push(CopiedTable {
            name: table.name.clone(),
            copied: count + found,
            found,
            lost: if is_index {
                0
            } else {
                missing.saturating_sub(found)
            },
        });
    }
    copied.lost_logins = wanted.lost_logins();
    put_schema(to, schema)?;
    Ok(copied)
}

/// Copies what is found on pages of a file that has no list of tables at all.
fn copy_loose(from: &PageFile, to: &Engine, seen: Seen) -> Result<Copied, Failure> {
    let tables = loose::lost_tables();
    let mut wanted = loose::Wanted::loose(from, &tables, &seen);
    let mut copied = Copied {
        damages: describe(&seen),
        is_earlier: true,
        ..Copied::default()
    };
    for table in tables.iter().filter(|table| !is_index(table)) {
        let found = loose::recover(from, table, to, &seen, &wanted)?;
        wanted.add_found(&table.name, &found);
        let found = found.len() as u64;
        copied.tables.push(CopiedTable {
            name: table.name.clone(),
            copied: found,
            found,
            lost: 0,
        });
    }
    copied.lost_logins = wanted.lost_logins();
    if copied.tables.iter().all(|table| table.found == 0) {
        return Err(Failure::Damaged("no table can be found in it".to_owned()));
    }
    upgrade::put_version(to, SCHEMA_VERSION)?;
    Ok(copied)
}

/// The damaged pages, for a person.
fn describe(seen: &Seen) -> Vec<String> {
    seen.damaged.iter().map(DamagedPage::to_string).collect()
}

/// Puts the schema version, which may have been lost; the first version has none.
fn put_schema(to: &Engine, schema: u64) -> Result<(), Failure> {
    if schema == FIRST_VERSION {
        return Ok(());
    }
    upgrade::put_version(to, schema)
}

/// Upgrades the copy to the current schema, which needs the keys, and applies its journal. Closes it.
///
/// # Errors
///
/// [`Failure::Unusable`] for keys that are missing; failures of the storage.
pub fn complete(to: Engine, keys: &KeySource) -> Result<(), Failure> {
    // Of a damaged backup.
    complete_backup(&to, &keys.path)?;
    upgrade::upgrade_copy(&to, keys)?;
    let limits = JournalLimits {
        target: None,
        apply_min: 1,
        idle_after: std::time::Duration::ZERO,
        cache_bytes: 0,
    };
    let mut journal = Journal::open(to, JOURNALED, &limits, 0)?;
    while !journal.is_drained() {
        journal.apply_some()?;
    }
    journal.close()
}

/// Puts and removes entries, so that the tables agree with each other.
///
/// # Errors
///
/// [`Failure::Storage`].
pub fn mend(to: &Engine, mends: &[Mend]) -> Result<(), Failure> {
    for mends in mends.chunks(BATCH_MAX) {
        let file = to.begin_write()?;
        for mends in mends.chunk_by(|one, next| one.table == next.table) {
            let (table, keys) = (&mends[0].table, mends[0].keys);
            let entry = |mend: &Mend| {
                let stored = mend.record.as_ref();
                let stored = stored.map(|record| raw::with_checksum(&mend.key, record));
                (mend.key.clone(), stored)
            };
            let entries: Vec<_> = mends.iter().map(entry).collect();
            raw::write(&file, table, keys, &entries)?;
        }
        file.commit()?;
    }
    Ok(())
}
