//! What a backup says of itself, in a table that other databases do not have.

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::Engine;
use crate::storage::engine::read::EngineRead;
use crate::storage::key_file::KeyFile;
use crate::storage::table::{Table, Text};

const BACKUP: Table<Text> = Table::new(TABLE_NAME);

/// The name of the table in the file.
pub const TABLE_NAME: &str = "backup";

const ORIGIN: &str = "origin";
const KEYS: &str = "keys";
const VERSION: u8 = 1;

/// What a backup is a copy of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// When it was begun, by the host's clock.
    pub time: Timestamp,
    /// The path of the database.
    pub database: String,
    /// The tables, with the number of their entries.
    pub tables: Vec<(String, u64)>,
}

/// An entry of the table.
pub enum BackupEntry {
    /// What it is a copy of.
    Origin(Origin),
    /// The keys.
    Keys(KeyFile),
}

/// Puts what `engine`, a copy, is a copy of, and its keys.
///
/// # Errors
///
/// [`Failure::Storage`].
pub fn put(engine: &Engine, origin: &Origin, keys: Option<&KeyFile>) -> Result<(), Failure> {
    let file = engine.begin_write()?;
    file.put(&BACKUP, ORIGIN, &encode_origin(origin))?;
    if let Some(keys) = keys {
        let record = Encoder::new(VERSION).varint_bytes(keys.text().as_bytes());
        file.put(&BACKUP, KEYS, &record.finish())?;
    }
    file.commit()
}

/// The keys in a backup, as those of a file without a path; `None` for a database that is no backup, or is one without
/// keys.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn keys(file: &EngineRead) -> Result<Option<KeyFile>, Failure> {
    file.get(&BACKUP, KEYS, decode_keys)
}

/// Removes the table, if there is one.
///
/// # Errors
///
/// [`Failure::Storage`].
pub fn remove(engine: &Engine) -> Result<(), Failure> {
    let file = engine.begin_write()?;
    file.delete_table(&BACKUP)?;
    file.commit()
}

/// Verifies an entry.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(key: &[u8], record: &[u8]) -> Result<BackupEntry, Failure> {
    match str::from_utf8(key) {
        Ok(ORIGIN) => decode_origin(record).map(BackupEntry::Origin),
        Ok(KEYS) => decode_keys(record).map(BackupEntry::Keys),
        _ => Err(Failure::Corrupt("backup: its key is not known".to_owned())),
    }
}

fn encode_origin(origin: &Origin) -> Vec<u8> {
    Encoder::new(VERSION)
        .timestamp(origin.time)
        .text(&origin.database)
        .list(&origin.tables, |encoder, (name, entries)| {
            encoder.text(name).varint(*entries)
        })
        .finish()
}

fn decode_origin(record: &[u8]) -> Result<Origin, Failure> {
    let mut decoder = Decoder::new("origin of a backup", VERSION, record)?;
    let origin = Origin {
        time: decoder.timestamp()?,
        database: decoder.text()?.to_owned(),
        tables: decoder.list(|decoder| Ok((decoder.text()?.to_owned(), decoder.varint()?)))?,
    };
    decoder.finish()?;
    Ok(origin)
}

fn decode_keys(record: &[u8]) -> Result<KeyFile, Failure> {
    let mut decoder = Decoder::new("keys of a backup", VERSION, record)?;
    let text = decoder.varint_text()?;
    let keys = KeyFile::parse(text);
    decoder.finish()?;
    keys.map_err(|_| Failure::Corrupt("keys of a backup: they are no file of keys".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_and_nothing_else() {
        let origin = Origin {
            time: Timestamp::from_millis(1_700_000_000_000),
            database: "/var/lib/rememberd/rememberd.redb".to_owned(),
            tables: vec![
                ("meta".to_owned(), 3),
                ("persistent_login".to_owned(), 1_000_000),
            ],
        };
        let mut record = encode_origin(&origin);
        assert_eq!(decode_origin(&record), Ok(origin.clone()));
        record.push(0);
        assert!(decode_origin(&record).is_err());
        let keys = Encoder::new(VERSION).varint_bytes(b"1 not a key").finish();
        assert!(decode(KEYS.as_bytes(), &keys).is_err());
        assert!(decode(b"other", &record).is_err());
    }
}
