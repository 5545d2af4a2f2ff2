//! From schema 3 to 4: every entry ends with a checksum, moments have no run, and a login has an era.
//!
//! The old journal is applied to the records and emptied first, as in the steps before. Then the entries of one
//! table after the other are written anew, in the order of their keys. Where a table has come to is in the file,
//! in the same transactions, since an entry does not tell whether it has a checksum. What the database knows of
//! itself, of the time and of its keys comes last, with the new version, in one transaction.
//!
//! Everything here is the format as it was then, and stays; what it is written as is the format of schema 4.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::clock::belief::SavedClock;
use crate::domain::key_ring::KeyNumber;
use crate::domain::login_state::LoginState;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::Engine;
use crate::storage::engine::open_table::TableKey;
use crate::storage::engine::read::EngineRead;
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{Bytes, Fixed, Table, Text};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::record;
use crate::tables::upgrade::old_journal::apply_journal;
use crate::tables::upgrade::schema_3;
use crate::tables::upgrade::{BATCH_MAX, Context};
use crate::tables::{clock, meta, persistent_login, secret_key};

const LOGINS: Table<Fixed<28>> = Table::unchecked("persistent_login");
const META: Table<Text> = Table::unchecked(meta::TABLE_NAME);

/// How far the step has come: the number of a table in [`TABLES`], and its last key that was written.
const POSITION: &str = "upgrade_position";
const POSITION_VERSION: u8 = 1;

/// The newest time that the clock had shown, when every moment was its time.
const NEWEST_TIME: &str = "newest_time";
const NEWEST_TIME_VERSION: u8 = 1;

/// How one batch of a table's entries after a key is written anew. Returns their keys.
type Rewrite = fn(&EngineWrite, Option<&[u8]>) -> Result<Vec<Vec<u8>>, Failure>;

/// The tables, but for those that are written with the new version.
const TABLES: [Rewrite; 9] = [
    |file, after| rewrite::<Fixed<32>>(file, "access_token", after, unchanged),
    |file, after| rewrite::<Text>(file, "tenant", after, unchanged),
    |file, after| rewrite::<Fixed<12>>(file, "profile", after, unchanged),
    |file, after| rewrite::<Bytes>(file, "profile_by_username", after, unchanged),
    |file, after| rewrite::<Fixed<12>>(file, "profile_bar", after, unchanged),
    |file, after| rewrite::<Fixed<28>>(file, LOGINS.name, after, upgrade_login),
    |file, after| rewrite::<Fixed<16>>(file, "persistent_login_profile", after, unchanged),
    |file, after| rewrite::<Fixed<28>>(file, "persistent_login_device", after, unchanged),
    |file, after| rewrite::<Fixed<24>>(file, "persistent_login_by_creation", after, unchanged),
];

pub(super) fn step(engine: &Engine, _: &Context<'_>) -> Result<Option<usize>, Failure> {
    match apply_journal(engine, schema_3::decode_entry, |record, delta| {
        schema_3::with_rotation(record, delta)
    })? {
        Some(applied) => Ok(Some(applied)),
        None => rewrite_tables(engine),
    }
}

/// How many logins need each key, as far as their records can be read, in a file that may be on its way to
/// schema 4.
///
/// # Errors
///
/// Of the storage.
pub(super) fn count_by_key(file: &EngineRead) -> Result<BTreeMap<KeyNumber, u64>, Failure> {
    let mut counts = BTreeMap::new();
    file.scan(&LOGINS, Bound::Unbounded, |key, record| {
        let key = LoginKey::from_bytes(key);
        let login = record.and_then(|record| schema_3::decode_login(key, record));
        if let Ok(login) = login {
            *counts.entry(login.key.number).or_default() += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (number, count) in persistent_login::count_by_key(file)? {
        *counts.entry(number).or_default() += count;
    }
    Ok(counts)
}

/// Writes some entries anew. Returns how many; `None` once all were, and the file has the new version.
fn rewrite_tables(engine: &Engine) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let found = file.get(&META, POSITION, decode_position)?;
    let (mut table, mut after) = found.unwrap_or_default();
    while let Some(rewrite) = TABLES.get(usize::from(table)) {
        let written = rewrite(&file, after.as_deref())?;
        let count = written.len();
        if let Some(last) = written.into_iter().next_back() {
            put_position(&file, table, &last)?;
            file.commit()?;
            return Ok(Some(count));
        }
        (table, after) = (table + 1, None);
    }
    file.remove(&META, POSITION)?;
    if let Some(time) = file.get(&META, NEWEST_TIME, decode_newest_time)? {
        clock::put_upgraded(&file, &SavedClock::of_time(time))?;
        file.remove(&META, NEWEST_TIME)?;
    }
    // Few entries, which every start reads before it upgrades anything.
    rewrite::<Text>(&file, meta::TABLE_NAME, None, unchanged)?;
    rewrite::<Fixed<4>>(&file, secret_key::TABLE_NAME, None, unchanged)?;
    meta::put_schema_version(&file, 4)?;
    file.commit()?;
    Ok(None)
}

fn decode_newest_time(record: &[u8]) -> Result<Timestamp, Failure> {
    let mut decoder = Decoder::new("newest time", NEWEST_TIME_VERSION, record)?;
    let time = decoder.timestamp()?;
    decoder.finish()?;
    Ok(time)
}

fn put_position(file: &EngineWrite, table: u8, last: &[u8]) -> Result<(), Failure> {
    let position = Encoder::new(POSITION_VERSION)
        .bytes(&[table])
        .varint_bytes(last);
    file.put(&META, POSITION, &position.finish())
}

fn decode_position(record: &[u8]) -> Result<(u8, Option<Vec<u8>>), Failure> {
    let mut decoder = Decoder::new("position of an upgrade", POSITION_VERSION, record)?;
    let [table] = decoder.array()?;
    let last = decoder.varint_bytes()?.to_vec();
    decoder.finish()?;
    Ok((table, Some(last)))
}

/// What becomes of the record under a key.
type Upgrade = fn(&[u8], &[u8]) -> Result<Vec<u8>, Failure>;

/// Writes the next entries of a table after a key anew, with checksums. Returns their keys. What `upgrade` cannot
/// read is left as it is, and found by its missing checksum from now on.
fn rewrite<K: TableKey>(
    file: &EngineWrite,
    name: &'static str,
    after: Option<&[u8]>,
    upgrade: Upgrade,
) -> Result<Vec<Vec<u8>>, Failure> {
    let (mut keys, mut records) = (Vec::new(), Vec::new());
    let first = after.map_or(Bound::Unbounded, |key| Bound::Excluded(K::from_bytes(key)));
    file.scan(&Table::<K>::unchecked(name), first, |key, record| {
        let key = K::as_bytes(&key).as_ref().to_vec();
        match record.and_then(|record| upgrade(&key, record)) {
            Ok(record) => records.push(Some(record)),
            Err(Failure::Corrupt(cause)) => {
                tracing::warn!(cause, "a record that cannot be read is left as it is");
                records.push(None);
            }
            Err(failure) => return Err(failure),
        }
        keys.push(key);
        Ok(if keys.len() < BATCH_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    let table = Table::<K>::new(name);
    for (key, record) in keys.iter().zip(&records) {
        if let Some(record) = record {
            file.put(&table, K::from_bytes(key), record)?;
        }
    }
    Ok(keys)
}

fn unchanged(_: &[u8], record: &[u8]) -> Result<Vec<u8>, Failure> {
    Ok(record.to_vec())
}

fn upgrade_login(key: &[u8], record: &[u8]) -> Result<Vec<u8>, Failure> {
    let key = key
        .try_into()
        .map_err(|_| Failure::Internal("a login's key has a wrong length".to_owned()))?;
    let login = schema_3::decode_login(LoginKey::from_bytes(key), record)?;
    let first = login.chain.first_accepted();
    let is_needed = |imported: &Arc<_>| schema_3::needs_imported(first, imported);
    Ok(record::encode(&LoginState {
        imported: login.imported.clone().filter(is_needed),
        ..login
    }))
}
