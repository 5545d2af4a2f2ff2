//! Verifies a database file that is not in use: every page, every entry, and whether the tables agree.
//!
//! The file is only read. What is found is also what a salvaged file is mended by: each index that disagrees with the
//! records that it belongs to is a [`Mend`].

mod attachments;
pub mod entries;
mod references;
pub mod report;

use std::convert::Infallible;

use crate::error::Failure;
use crate::storage::engine::raw::checked_record;
use crate::storage::key_file::KeyFile;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::seen::Seen;
use crate::storage::pages::tables::TableRoot;
use crate::storage::pages::walk::Entry;
use crate::tables::backup::record::{self as backup_record, BackupEntry};
use crate::tables::check::entries::{TableEntry, describe_key};
use crate::tables::check::references::References;
use crate::tables::check::report::{Fault, Finding, Mend, Report, TableReport};
use crate::tables::{meta, secret_key, upgrade};

/// After how many entries of a table progress is reported.
const PROGRESS_ENTRIES: u64 = 256;

/// The schema version in these tables; `None` if it cannot be read.
pub fn schema_of(file: &PageFile, tables: &[TableRoot]) -> Option<u64> {
    let Some(table) = tables.iter().find(|table| table.name == meta::TABLE_NAME) else {
        let is_new = tables
            .iter()
            .all(|table| table.name == secret_key::TABLE_NAME);
        return Some(if is_new {
            upgrade::SCHEMA_VERSION
        } else {
            upgrade::FIRST_VERSION
        });
    };
    let mut found = None;
    let mut seen = Seen::default();
    file.walk(table, &mut seen, &mut |entry| {
        if let Some(version) = meta::stored_schema_version(entry.key, entry.value, entry.is_intact)
        {
            found = Some(version);
        }
    });
    // The first version is not in the file.
    found.or_else(|| seen.damaged.is_empty().then_some(upgrade::FIRST_VERSION))
}

/// Verifies the file. `keys` are those in the key file, which may be missing; a backup may have its own. `progress` is
/// called with the name of the table that is being read, and how many of its entries were.
pub fn check(file: &PageFile, keys: &KeyFile, progress: &mut dyn FnMut(&str, u64, u64)) -> Report {
    let mut references = References::default();
    let mut proceed = |table: &str, done: u64, of: u64| {
        progress(table, done, of);
        Ok::<_, Infallible>(())
    };
    let mut own_keys = None;
    let read = read_tables(file, &mut proceed, &mut |entry| match entry {
        TableEntry::Backup(BackupEntry::Keys(found)) => own_keys = Some(found),
        entry => references.add(entry),
    });
    let mut report = match read {
        Ok(report) => report,
        Err(never) => match never {},
    };
    // The records of an earlier schema are read by the upgrade at the next start.
    if report.schema == Some(upgrade::SCHEMA_VERSION) && !report.tables.is_empty() {
        report
            .findings
            .extend(references.findings(own_keys.as_ref().unwrap_or(keys)));
    }
    report
}

/// Verifies every page of the file, and every entry by itself; `visit` is called with those that are right, in the
/// order of the tables and their keys, if they are of the current schema. The memory that it takes grows with the
/// number of pages alone.
///
/// # Errors
///
/// What `progress` fails with, which is called as by [`check`].
pub fn read_tables<E>(
    file: &PageFile,
    progress: &mut dyn FnMut(&str, u64, u64) -> Result<(), E>,
    visit: &mut dyn FnMut(TableEntry),
) -> Result<Report, E> {
    let mut seen = Seen::default();
    let tables = file.tables(&mut seen);
    let schema = schema_of(file, &tables);
    let mut report = Report {
        schema,
        tables: Vec::new(),
        pages: 0,
        findings: Vec::new(),
    };
    report.add_damaged_pages("list of tables", &seen, 0);
    if tables.is_empty() && !seen.damaged.is_empty() {
        return Ok(report);
    }
    let is_current = schema == Some(upgrade::SCHEMA_VERSION);
    for table in &tables {
        let damaged_before = seen.damaged.len();
        let mut entries = 0;
        let mut wrong = Vec::new();
        let mut outcome = Ok(());
        let mut read = |entry: Entry<'_>| {
            entries += 1;
            if outcome.is_err() {
                return;
            }
            if entries % PROGRESS_ENTRIES == 0 {
                outcome = progress(&table.name, entries, table.length);
            }
            // That of backups is the same in every schema.
            if !is_current && table.name != backup_record::TABLE_NAME {
                return;
            }
            match read_entry(&table.name, &entry) {
                Ok(read) => visit(read),
                // Its page is reported.
                Err(_) if !entry.is_intact => {}
                Err(cause) => wrong.push(wrong_entry(table, &entry, &cause)),
            }
        };
        file.walk(table, &mut seen, &mut read);
        outcome?;
        progress(&table.name, entries, table.length)?;
        let pages = seen.damaged.len() - damaged_before;
        report.tables.push(TableReport {
            name: table.name.clone(),
            entries,
            wrong: wrong.len() as u64,
            pages,
        });
        report.add_damaged_pages(&table.name, &seen, damaged_before);
        report.findings.append(&mut wrong);
        if entries != table.length {
            let (name, length) = (&table.name, table.length);
            let text = format!("{name}: {entries} of {length} entries were found");
            report.add_damage(text);
        }
    }
    report.pages = seen.offsets.len();
    match schema {
        None => report.add_damage("meta: the schema version cannot be read".to_owned()),
        Some(version) if version > upgrade::SCHEMA_VERSION => report.add_damage(format!(
            "the file has schema version {version}, and this rememberd knows version {} at most: use a newer one",
            upgrade::SCHEMA_VERSION
        )),
        Some(_) => {}
    }
    Ok(report)
}

/// That an entry on an intact page is not right, for the given cause.
fn wrong_entry(table: &TableRoot, entry: &Entry<'_>, cause: &str) -> Finding {
    let (name, offset) = (&table.name, entry.offset);
    let key = describe_key(name, entry.key);
    Finding {
        fault: Fault::Damage,
        text: format!("{name}: {key}, on the page at byte {offset}: {cause}"),
        mend: Some(Mend {
            table: name.clone(),
            keys: table.keys,
            key: entry.key.to_vec(),
            record: None,
        }),
    }
}

/// The entry, whose checksum and record are verified.
fn read_entry(table: &str, entry: &Entry<'_>) -> Result<TableEntry, String> {
    let record = checked_record(entry.key, entry.value).ok_or("it does not match its checksum")?;
    TableEntry::read(table, entry.key, record).map_err(|failure| match failure {
        Failure::Corrupt(cause) => cause,
        other => other.to_string(),
    })
}
