//! What the database remembers of itself.

use crate::domain::login_state::Era;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::raw::checked_record;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const META: Table<Text> = Table::new(TABLE_NAME);
/// As it is up to schema 3.
const UNCHECKED: Table<Text> = Table::unchecked(TABLE_NAME);

/// The name of the table in the file.
pub const TABLE_NAME: &str = "meta";

/// From this version of the schema on, every entry in the file ends with a checksum.
pub const CHECKED_SINCE: u64 = 4;

const SCHEMA_VERSION: &str = "schema_version";
const FINGERPRINT_KEY: &str = "fingerprint_key";
/// The key of the era that logins are created in.
pub const LOGIN_ERA: &str = "login_era";
/// The key of the highest number in the order of creation.
pub const LAST_ORDER: &str = "last_order";
const VERSION: u8 = 1;

/// The version of the file's schema, if there is one in it.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn schema_version(file: &EngineRead) -> Result<Option<u64>, Failure> {
    let unchecked = file.get(&UNCHECKED, SCHEMA_VERSION, |record| {
        let version = decode_schema_version(record);
        Ok(version.ok().filter(|version| *version < CHECKED_SINCE))
    })?;
    match unchecked {
        Some(None) => file.get(&META, SCHEMA_VERSION, decode_schema_version),
        Some(version) => Ok(version),
        None => Ok(None),
    }
}

/// The schema version in what is stored under `key`, if it is there and right.
pub fn stored_schema_version(key: &[u8], stored: &[u8], is_intact: bool) -> Option<u64> {
    if key != SCHEMA_VERSION.as_bytes() {
        return None;
    }
    let checked = checked_record(key, stored).map(decode_schema_version);
    match checked {
        Some(version) => version.ok(),
        None => decode_schema_version(stored)
            .ok()
            .filter(|version| is_intact && *version < CHECKED_SINCE),
    }
}

/// An entry that others must agree with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetaEntry {
    /// The era that logins are created in.
    LoginEra(Era),
    /// The highest number in the order of creation.
    LastOrder(u64),
    /// Another one.
    Other,
}

/// Verifies an entry of the current schema.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(key: &[u8], record: &[u8]) -> Result<MetaEntry, Failure> {
    match str::from_utf8(key) {
        Ok(SCHEMA_VERSION) => decode_schema_version(record).map(|_| MetaEntry::Other),
        Ok(FINGERPRINT_KEY) => decode_fingerprint_key(record).map(|_| MetaEntry::Other),
        Ok(LOGIN_ERA) => decode_login_era(record).map(MetaEntry::LoginEra),
        Ok(LAST_ORDER) => decode_last_order(record).map(MetaEntry::LastOrder),
        _ => Err(Failure::Corrupt("meta: its key is not known".to_owned())),
    }
}

fn decode_schema_version(record: &[u8]) -> Result<u64, Failure> {
    let mut decoder = Decoder::new("schema version", VERSION, record)?;
    let version = decoder.number()?;
    decoder.finish()?;
    Ok(version)
}

/// Puts the version of the file's schema.
///
/// # Errors
///
/// Of the storage.
pub fn put_schema_version(file: &EngineWrite, version: u64) -> Result<(), Failure> {
    let record = Encoder::new(VERSION).number(version).finish();
    let table = if version < CHECKED_SINCE {
        &UNCHECKED
    } else {
        &META
    };
    file.put(table, SCHEMA_VERSION, &record)
}

/// The key of the audit log's fingerprints, if one was ever put.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn fingerprint_key(txn: &impl Read) -> Result<Option<[u8; 32]>, Failure> {
    txn.get(&META, FINGERPRINT_KEY, decode_fingerprint_key)
}

/// The key of the audit log's fingerprints, if the entry with this key and record is the one that has it.
///
/// # Errors
///
/// Of a record that does not decode.
pub fn fingerprint_key_in(key: &[u8], record: &[u8]) -> Result<Option<[u8; 32]>, Failure> {
    if key != FINGERPRINT_KEY.as_bytes() {
        return Ok(None);
    }
    decode_fingerprint_key(record).map(Some)
}

/// Puts the key of the audit log's fingerprints.
///
/// # Errors
///
/// Of the storage.
pub fn put_fingerprint_key(txn: &WriteTxn, key: &[u8; 32]) -> Result<(), Failure> {
    txn.put(&META, FINGERPRINT_KEY, &encode_fingerprint_key(key))
}

/// The era that logins are created in now.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn login_era(txn: &impl Read) -> Result<Era, Failure> {
    Ok(txn.get(&META, LOGIN_ERA, decode_login_era)?.unwrap_or(0))
}

/// Begins a new era, which logins are created in from now on, and returns it.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn begin_era(txn: &WriteTxn) -> Result<Era, Failure> {
    let era = login_era(txn)? + 1;
    txn.put(&META, LOGIN_ERA, &encode_login_era(&era))?;
    Ok(era)
}

/// The record of an era.
pub fn encode_login_era(era: &Era) -> Vec<u8> {
    Encoder::new(VERSION).varint(*era).finish()
}

fn decode_login_era(record: &[u8]) -> Result<Era, Failure> {
    let mut decoder = Decoder::new("era of logins", VERSION, record)?;
    let era = decoder.varint()?;
    decoder.finish()?;
    Ok(era)
}

/// Takes the next number in the order of creation, of what is listed in it.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn next_order(txn: &WriteTxn) -> Result<u64, Failure> {
    let last = txn.get(&META, LAST_ORDER, decode_last_order)?;
    let next = last.unwrap_or(0) + 1;
    txn.put(&META, LAST_ORDER, &encode_last_order(&next))?;
    Ok(next)
}

/// Whether a number in the order of creation was ever taken in a file that is upgraded.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn has_last_order(file: &EngineWrite) -> Result<bool, Failure> {
    Ok(file.get(&META, LAST_ORDER, decode_last_order)?.is_some())
}

/// Puts the highest number in the order of creation into a file that is upgraded.
///
/// # Errors
///
/// Of the storage.
pub fn put_last_order(file: &EngineWrite, last: u64) -> Result<(), Failure> {
    file.put(&META, LAST_ORDER, &encode_last_order(&last))
}

/// The record of the highest number in the order of creation.
pub fn encode_last_order(last: &u64) -> Vec<u8> {
    Encoder::new(VERSION).varint(*last).finish()
}

fn decode_last_order(record: &[u8]) -> Result<u64, Failure> {
    let mut decoder = Decoder::new("highest number in the order of creation", VERSION, record)?;
    let last = decoder.varint()?;
    decoder.finish()?;
    Ok(last)
}

fn encode_fingerprint_key(key: &[u8; 32]) -> Vec<u8> {
    Encoder::new(VERSION).bytes(key).finish()
}

fn decode_fingerprint_key(record: &[u8]) -> Result<[u8; 32], Failure> {
    let mut decoder = Decoder::new("fingerprint key", VERSION, record)?;
    let key = decoder.array()?;
    decoder.finish()?;
    Ok(key)
}

#[cfg(test)]
mod properties;
