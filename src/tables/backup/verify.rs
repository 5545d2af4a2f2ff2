//! Verifies a backup: every page, every entry, and that it has as many as what it is a copy of.

use std::collections::BTreeMap;
use std::path::Path;

use crate::domain::key_ring::{KeyCheck, KeyNumber, SecretKey};
use crate::error::Failure;
use crate::storage::key_file::KeyFile;
use crate::storage::pages::file::PageFile;
use crate::tables::backup::copy::Progress;
use crate::tables::backup::record::{self, BackupEntry, Origin};
use crate::tables::check::entries::TableEntry;
use crate::tables::check::read_tables;
use crate::tables::upgrade::SCHEMA_VERSION;

/// A database file in which every page and every entry is right.
pub struct Verified {
    /// What it is a copy of; `None` for a database that is no backup.
    pub origin: Option<Origin>,
    /// Its schema version. The entries of an earlier one are read by its upgrade.
    pub schema: u64,
    /// The tables, with the number of their entries, without that of backups.
    pub tables: Vec<(String, u64)>,
    /// By which the keys are recognized that its entries need.
    needed: BTreeMap<KeyNumber, KeyCheck>,
}

impl Verified {
    /// The numbers of the keys that are needed and that `keys` lacks, or has others of.
    pub fn missing_keys(&self, keys: &KeyFile) -> Vec<KeyNumber> {
        let is_missing = |(number, check): &(&KeyNumber, &KeyCheck)| {
            let key = keys.keys().get(number).map(SecretKey::new);
            key.is_none_or(|key| key.check() != **check)
        };
        let missing = self.needed.iter().filter(is_missing);
        missing.map(|(number, _)| *number).collect()
    }

    /// How many entries all tables have.
    pub fn entries(&self) -> u64 {
        self.tables.iter().map(|(_, entries)| entries).sum()
    }

    /// Whether its entries are of the schema of this build.
    pub fn is_current(&self) -> bool {
        self.schema == SCHEMA_VERSION
    }
}

/// Verifies the file at `path`, which nobody writes. Its memory does not grow with the number of entries.
///
/// # Errors
///
/// [`Failure::Damaged`] with the first of what is wrong; [`Failure::Unusable`] for a schema that is not known; as of an
/// access to the file; what `progress` fails with. They name the file.
pub fn verify(path: &Path, progress: &mut Progress<'_>) -> Result<Verified, Failure> {
    verify_file(path, progress).map_err(|failure| failure.of_file(&path.display().to_string()))
}

fn verify_file(path: &Path, progress: &mut Progress<'_>) -> Result<Verified, Failure> {
    let file = PageFile::open(path)?;
    let (mut origin, mut needed) = (None, BTreeMap::new());
    let report = read_tables(&file, progress, &mut |entry| match entry {
        TableEntry::Backup(BackupEntry::Origin(found)) => origin = Some(found),
        TableEntry::SecretKey {
            number,
            check,
            is_given_up: false,
        } => {
            needed.insert(number, check);
        }
        _ => {}
    })?;
    if let Some(finding) = report.findings.first() {
        let more = match report.findings.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more faults"),
        };
        return Err(Failure::Damaged(format!("{}{more}", finding.text)));
    }
    let schema = report.schema.unwrap_or(SCHEMA_VERSION);
    let tables = report.tables.into_iter();
    let tables: Vec<_> = tables
        .filter(|table| table.name != record::TABLE_NAME)
        .map(|table| (table.name, table.entries))
        .collect();
    if let Some(origin) = &origin {
        compare(&origin.tables, &tables)?;
    }
    Ok(Verified {
        origin,
        schema,
        tables,
        needed,
    })
}

/// Compares the tables that were `found` with those that were `copied`.
///
/// # Errors
///
/// [`Failure::Damaged`] with the first that has another number of entries.
pub fn compare(copied: &[(String, u64)], found: &[(String, u64)]) -> Result<(), Failure> {
    for (name, expected) in copied {
        let table = found.iter().find(|(table, _)| table == name);
        let entries = table.map_or(0, |(_, entries)| *entries);
        if entries != *expected {
            return Err(Failure::Damaged(format!(
                "table {name} has {entries} entries, and {expected} were copied"
            )));
        }
    }
    Ok(())
}
