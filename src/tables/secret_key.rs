//! Which secret keys the records need: a record for each under its number. The keys themselves are in the key file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;

use crate::domain::key_ring::{CHECK_BYTES, KeyCheck, KeyNumber, KeyRing, SecretKey};
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::Engine;
use crate::storage::engine::read::EngineRead;
use crate::storage::key_file::KeyFile;
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::write_txn::WriteTxn;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "secret_key";

const SECRET_KEYS: Table<Fixed<4>> = Table::new(TABLE_NAME);
/// As it is up to schema 3.
const UNCHECKED: Table<Fixed<4>> = Table::unchecked(TABLE_NAME);
const VERSION: u8 = 1;

/// The number of the first key.
const FIRST: KeyNumber = 1;

/// Where the keys of a database are.
#[derive(Debug)]
pub struct KeySource {
    /// The key file.
    pub path: PathBuf,
    /// Whether to go on without keys that are missing, with a new one.
    pub replaces_missing: bool,
    /// Where new keys and nonces come from.
    pub entropy: Entropy,
}

/// What the database knows of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Known {
    check: KeyCheck,
    /// Whether the database goes on without it.
    is_given_up: bool,
}

/// What loading the keys of a database needs to know of its schema.
#[derive(Clone, Copy)]
pub struct KeySchema {
    /// Whether the entries of the table have checksums.
    pub is_checked: bool,
    /// Counts how many logins need each key.
    pub count_by_key: fn(&EngineRead) -> Result<BTreeMap<KeyNumber, u64>, Failure>,
}

impl KeySchema {
    fn table(self) -> &'static Table<Fixed<4>> {
        if self.is_checked {
            &SECRET_KEYS
        } else {
            &UNCHECKED
        }
    }
}

/// Reads the keys of the database in `engine`, and records those that it does not know yet. The first key is
/// generated, and written to the key file before anything can need it.
///
/// # Errors
///
/// [`Failure::Unusable`] if a key is missing that records need, or is another than the one that they need: the
/// message has its number and how many logins need it. Also if the key file cannot be read or written; failures
/// of the storage.
pub fn load(engine: &Engine, source: &KeySource, schema: KeySchema) -> Result<KeyRing, Failure> {
    let mut file = KeyFile::read(&source.path)?;
    let snapshot = engine.begin_read()?;
    let mut known = read(&snapshot, schema.table())?;
    let missing: Vec<_> = known
        .iter()
        .filter(|(number, key)| !key.is_given_up && check_in(&file, **number) != Some(key.check))
        .map(|(number, _)| *number)
        .collect();
    if !missing.is_empty() && !source.replaces_missing {
        let logins = (schema.count_by_key)(&snapshot)?;
        return Err(missing_keys(&logins, &file, &missing));
    }
    drop(snapshot);
    if file.keys().is_empty() || !missing.is_empty() {
        let in_file = file.keys().last_key_value().map(|(number, _)| *number);
        let last = in_file.max(known.last_key_value().map(|(number, _)| *number));
        let number = match last {
            Some(last) => file.number_after(last)?,
            None => FIRST,
        };
        file.add(number, source.entropy.bytes())?;
        let path = file.path().display();
        tracing::info!(number, %path, "a key was generated");
    }
    let mut changed = Vec::new();
    for number in missing {
        tracing::warn!(
            number,
            "going on without a key; the logins that need it have ended"
        );
        if let Some(key) = known.get_mut(&number) {
            key.is_given_up = true;
            changed.push((number, *key));
        }
    }
    let mut keys = BTreeMap::new();
    for (number, bytes) in file.keys() {
        let key = SecretKey::new(bytes);
        let found = known.get(number);
        if found.is_some_and(|known| known.check != key.check()) {
            // Another key with the number of one that was given up.
            continue;
        }
        if found.is_none_or(|known| known.is_given_up) {
            let known = Known {
                check: key.check(),
                is_given_up: false,
            };
            changed.push((*number, known));
        }
        keys.insert(*number, key);
    }
    put(engine, schema.table(), &changed)?;
    known.extend(changed);
    let is_complete = known.values().all(|known| !known.is_given_up);
    KeyRing::new(keys, is_complete).ok_or_else(|| Failure::Internal("there is no key".to_owned()))
}

/// Records a key that is in use from now on.
///
/// # Errors
///
/// Of the storage.
pub fn put_in_use(txn: &WriteTxn, number: KeyNumber, check: KeyCheck) -> Result<(), Failure> {
    txn.put(&SECRET_KEYS, &number.to_be_bytes(), &encode_record(check))
}

/// Records that the database goes on without a key.
///
/// # Errors
///
/// Of the storage.
pub fn put_given_up(txn: &WriteTxn, number: KeyNumber, check: KeyCheck) -> Result<(), Failure> {
    txn.put(&SECRET_KEYS, &number.to_be_bytes(), &encode_given_up(check))
}

fn check_in(file: &KeyFile, number: KeyNumber) -> Option<KeyCheck> {
    let bytes = file.keys().get(&number)?;
    Some(SecretKey::new(bytes).check())
}

fn missing_keys(
    logins: &BTreeMap<KeyNumber, u64>,
    file: &KeyFile,
    missing: &[KeyNumber],
) -> Failure {
    let mut text = format!("{}:", file.path().display());
    for number in missing {
        let state = if file.keys().contains_key(number) {
            "is another one"
        } else {
            "is missing"
        };
        let count = logins.get(number).copied().unwrap_or(0);
        write!(text, " key {number} {state}, and {count} logins need it;").expect("text grows");
    }
    if file.keys().is_empty() {
        text += " the file is missing or empty, and without --key-file the keys are in the data directory;";
    }
    text += " restore the file, or start once with --new-key, which ends these logins";
    Failure::Unusable(text)
}

fn read(file: &EngineRead, table: &Table<Fixed<4>>) -> Result<BTreeMap<KeyNumber, Known>, Failure> {
    let mut keys = BTreeMap::new();
    file.scan(table, Bound::Unbounded, |number, record| {
        keys.insert(KeyNumber::from_be_bytes(*number), decode(record?)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

fn put(
    engine: &Engine,
    table: &Table<Fixed<4>>,
    keys: &[(KeyNumber, Known)],
) -> Result<(), Failure> {
    if keys.is_empty() {
        return Ok(());
    }
    let file = engine.begin_write()?;
    for (number, known) in keys {
        file.put(table, &number.to_be_bytes(), &encode(known))?;
    }
    file.commit()
}

/// The check of a key, and whether the database goes on without it.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_record(record: &[u8]) -> Result<(KeyCheck, bool), Failure> {
    let known = decode(record)?;
    Ok((known.check, known.is_given_up))
}

/// The record of a key that is in use.
pub fn encode_record(check: KeyCheck) -> Vec<u8> {
    encode(&Known {
        check,
        is_given_up: false,
    })
}

/// The record of a key that the database goes on without.
pub fn encode_given_up(check: KeyCheck) -> Vec<u8> {
    encode(&Known {
        check,
        is_given_up: true,
    })
}

fn encode(known: &Known) -> Vec<u8> {
    Encoder::new(VERSION)
        .bytes(&known.check)
        .bool(known.is_given_up)
        .finish()
}

fn decode(record: &[u8]) -> Result<Known, Failure> {
    let mut decoder = Decoder::new("secret key", VERSION, record)?;
    let known = Known {
        check: decoder.array::<CHECK_BYTES>()?,
        is_given_up: decoder.bool()?,
    };
    decoder.finish()?;
    Ok(known)
}

#[cfg(test)]
mod properties;
