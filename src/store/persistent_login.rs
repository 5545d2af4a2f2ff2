//! Persistent logins: a record under its id, and an entry in the index by creation time.
//!
//! The index exists so that the cleaner finds what has expired. A rotation does not move the creation
//! time, so it writes the record alone.

use std::ops::{Bound, ControlFlow};

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::store::engine::{Fixed, Read, Table, WriteTxn};
use crate::store::record::{Decoder, Encoder};

const LOGINS: Table<Fixed<16>> = Table::new("persistent_login");
const BY_CREATION: Table<Fixed<24>> = Table::new("persistent_login_by_creation");
const VERSION: u8 = 1;

/// The login with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: PersistentLoginId) -> Result<Option<PersistentLogin>, Failure> {
    txn.get(&LOGINS, id.uuid().as_bytes(), |record| decode(id, record))
}

/// Puts a new login.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, login: &PersistentLogin) -> Result<(), Failure> {
    rotate(txn, login)?;
    let version = Encoder::new(VERSION).finish();
    txn.put(&BY_CREATION, &creation_key(login), &version)
}

/// Puts the login in place of the one with its id, from which it differs in its token alone.
///
/// # Errors
///
/// Of the storage.
pub fn rotate(txn: &WriteTxn, login: &PersistentLogin) -> Result<(), Failure> {
    txn.put(&LOGINS, login.id.uuid().as_bytes(), &encode(login))
}

/// Removes the login.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, login: &PersistentLogin) -> Result<(), Failure> {
    txn.remove(&LOGINS, login.id.uuid().as_bytes())?;
    txn.remove(&BY_CREATION, &creation_key(login))?;
    Ok(())
}

/// Removes logins that were created at `newest` or before, oldest first and at most `count_max` of
/// them; tells how many there were.
///
/// # Errors
///
/// Of the storage, or of an index entry that does not decode.
pub fn delete_created_until(
    txn: &WriteTxn,
    newest: Timestamp,
    count_max: usize,
) -> Result<usize, Failure> {
    let mut keys = Vec::new();
    txn.scan(&BY_CREATION, Bound::Unbounded, |key, _| {
        if keys.len() == count_max || creation_of(key) > newest {
            return Ok(ControlFlow::Break(()));
        }
        keys.push(*key);
        Ok(ControlFlow::Continue(()))
    })?;
    for key in &keys {
        let (_, id) = key.split_at(8);
        let id = <&[u8; 16]>::try_from(id).expect("24 bytes less 8 are 16");
        txn.remove(&LOGINS, id)?;
        txn.remove(&BY_CREATION, key)?;
    }
    Ok(keys.len())
}

/// Whether a login was created at `newest` or before.
///
/// # Errors
///
/// Of the storage.
pub fn any_created_until(txn: &impl Read, newest: Timestamp) -> Result<bool, Failure> {
    let mut found = false;
    txn.scan(&BY_CREATION, Bound::Unbounded, |key, _| {
        found = creation_of(key) <= newest;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Whether there is no login at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&LOGINS)
}

fn encode(login: &PersistentLogin) -> Vec<u8> {
    Encoder::new(VERSION)
        .uuid(login.token.reveal())
        .timestamp(login.timestamp)
        .bytes(login.profile_id.as_bytes())
        .text(login.tenant.as_str())
        .finish()
}

fn decode(id: PersistentLoginId, record: &[u8]) -> Result<PersistentLogin, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let token = Token::new(decoder.uuid()?);
    let timestamp = decoder.timestamp()?;
    let profile_id = ObjectId::from_bytes(decoder.array()?);
    let tenant = TenantName::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    decoder.finish()?;
    Ok(PersistentLogin {
        id,
        tenant,
        profile_id,
        token,
        timestamp,
    })
}

/// The creation time so that bytes sort like times (big-endian, the sign bit turned), then the id.
fn creation_key(login: &PersistentLogin) -> [u8; 24] {
    let mut key = [0; 24];
    let sortable = login.timestamp.as_millis() ^ i64::MIN;
    key[..8].copy_from_slice(&sortable.to_be_bytes());
    key[8..].copy_from_slice(login.id.uuid().as_bytes());
    key
}

fn creation_of(key: &[u8; 24]) -> Timestamp {
    let (sortable, _) = key
        .split_first_chunk()
        .expect("24 bytes begin with 8 bytes");
    Timestamp::from_millis(i64::from_be_bytes(*sortable) ^ i64::MIN)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn login(millis: i64, id: u128) -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::new(Uuid::from_u128(id)),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([9; 12]),
            token: Token::new(Uuid::from_u128(id + 1)),
            timestamp: Timestamp::from_millis(millis),
        }
    }

    #[test]
    fn a_record_decodes_to_what_was_encoded() {
        let login = login(1_495_665_332_589, 42);
        assert_eq!(decode(login.id, &encode(&login)), Ok(login));
    }

    #[test]
    fn index_keys_sort_by_time_before_and_after_the_epoch() {
        let times = [i64::MIN, -1, 0, 1, i64::MAX];
        let keys: Vec<_> = times.map(|time| creation_key(&login(time, 7))).to_vec();
        assert!(keys.is_sorted());
        assert_eq!(
            times.map(Timestamp::from_millis).to_vec(),
            keys.iter().map(creation_of).collect::<Vec<_>>()
        );
    }
}
