//! Which database a backup is a copy of.

use std::path::Path;

use crate::storage::engine::raw::checked_record;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::seen::Seen;
use crate::tables::backup::record::{self, BackupEntry};
use crate::tables::meta;

/// A database: where it is, and which one it is there. Another one may have been in the same place before, or be in
/// the same place of another container; a restored backup may be the same one in another place.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    data_dir: String,
    /// Random, and generated once for each database. It is a secret, for which `Debug` is not implemented.
    fingerprint_key: [u8; 32],
}

impl Source {
    /// The database in `data_dir` that has this key of fingerprints.
    pub fn new(data_dir: &Path, fingerprint_key: [u8; 32]) -> Self {
        Self {
            data_dir: data_dir.display().to_string(),
            fingerprint_key,
        }
    }

    /// Whether the file at `path` is a backup of this database. One that cannot be read is not.
    pub fn is_of(&self, path: &Path) -> bool {
        Self::read(path).is_some_and(|found| found == *self)
    }

    /// What the backup at `path` is a copy of; `None` for another file, and for one of which this cannot be read. Two
    /// small tables are read, whatever the size of the file is.
    fn read(path: &Path) -> Option<Self> {
        let file = PageFile::open(path).ok()?;
        let mut seen = Seen::default();
        let (mut data_dir, mut fingerprint_key) = (None, None);
        for table in file.tables(&mut seen) {
            let is_backup = table.name == record::TABLE_NAME;
            if !is_backup && table.name != meta::TABLE_NAME {
                continue;
            }
            file.walk(&table, &mut seen, &mut |entry| {
                let Some(record) = checked_record(entry.key, entry.value) else {
                    return;
                };
                if !is_backup {
                    fingerprint_key = fingerprint_key
                        .or_else(|| meta::fingerprint_key_in(entry.key, record).ok()?);
                } else if let Ok(BackupEntry::Origin(origin)) = record::decode(entry.key, record) {
                    data_dir = Some(origin.database);
                }
            });
        }
        Some(Self {
            data_dir: data_dir?,
            fingerprint_key: fingerprint_key?,
        })
    }
}
