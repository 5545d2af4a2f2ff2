//! Persistent logins: a record under its id, and entries in two indexes.
//!
//! One index is by creation time, so that the cleaner finds what has expired; the other is by profile
//! and holds what is known of the device. Neither says anything that a rotation changes, so a rotation
//! writes the record alone.

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Rotation, Token};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::store::engine::{Fixed, Read, Table, WriteTxn};
use crate::store::record::{Decoder, Encoder};

const LOGINS: Table<Fixed<16>> = Table::new("persistent_login");
const BY_CREATION: Table<Fixed<24>> = Table::new("persistent_login_by_creation");
const BY_PROFILE: Table<Fixed<28>> = Table::new("persistent_login_by_profile");
const VERSION: u8 = 2;
const INDEX_VERSION: u8 = 1;

/// The login with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: PersistentLoginId) -> Result<Option<PersistentLogin>, Failure> {
    txn.get(&LOGINS, id.uuid().as_bytes(), |record| decode(id, record))
}

/// When a login was made and last used: what a list of many is ordered by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The login.
    pub id: PersistentLoginId,
    /// When it was created.
    pub created: Timestamp,
    /// When it was rotated last, or created.
    pub last_used: Timestamp,
}

/// The usage of a profile's logins, expired ones among them, in the order of their ids. A record that
/// does not decode is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn usage_of_profile(txn: &impl Read, profile_id: ObjectId) -> Result<Vec<Usage>, Failure> {
    let mut usages = Vec::new();
    scan_profile(txn, profile_id, |id| {
        let usage = txn.get(&LOGINS, id.uuid().as_bytes(), |record| {
            decode_usage(id, record)
        });
        usages.extend(unless_corrupt(usage)?);
        Ok(())
    })?;
    Ok(usages)
}

/// The logins of a profile, expired ones among them, in the order of their ids. A record that does not
/// decode is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn of_profile(txn: &impl Read, profile_id: ObjectId) -> Result<Vec<PersistentLogin>, Failure> {
    let mut logins = Vec::new();
    scan_profile(txn, profile_id, |id| {
        logins.extend(unless_corrupt(get(txn, id))?);
        Ok(())
    })?;
    Ok(logins)
}

/// What is known of the device of a profile's login; nothing if there is no such login.
///
/// # Errors
///
/// Of the storage, or of an entry that does not decode.
pub fn device(
    txn: &impl Read,
    profile_id: ObjectId,
    id: PersistentLoginId,
) -> Result<Device, Failure> {
    let found = txn.get(&BY_PROFILE, &profile_key(profile_id, id), decode_device)?;
    Ok(found.unwrap_or_default())
}

/// What was found, if it can be read: one record that cannot must not hide a profile's other logins.
fn unless_corrupt<T>(found: Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Err(Failure::Corrupt(cause)) => {
            tracing::warn!(cause, "a login of a profile is passed over");
            Ok(None)
        }
        found => found,
    }
}

fn scan_profile(
    txn: &impl Read,
    profile_id: ObjectId,
    mut visit: impl FnMut(PersistentLoginId) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let first = profile_key(profile_id, PersistentLoginId::new(Uuid::nil()));
    txn.scan(&BY_PROFILE, Bound::Included(&first), |key, _| {
        let (owner, id) = split_profile_key(key);
        if owner != profile_id {
            return Ok(ControlFlow::Break(()));
        }
        visit(id)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Puts a new login.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, login: &PersistentLogin, device: &Device) -> Result<(), Failure> {
    rotate(txn, login)?;
    let present = Encoder::new(INDEX_VERSION).finish();
    txn.put(
        &BY_CREATION,
        &creation_key(login.timestamp, login.id),
        &present,
    )?;
    let key = profile_key(login.profile_id, login.id);
    txn.put(&BY_PROFILE, &key, &encode_device(device))
}

/// Puts the login in place of the one with its id, from which it differs in its token and its last
/// rotation alone.
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
    txn.remove(&BY_CREATION, &creation_key(login.timestamp, login.id))?;
    txn.remove(&BY_PROFILE, &profile_key(login.profile_id, login.id))?;
    Ok(())
}

/// Removes at most `count_max` logins that were created at `newest` or before, oldest first, and
/// returns them. One whose record cannot be read is removed too, since it can never be used again, and
/// is not among the returned; the second number is how many there were in all.
///
/// # Errors
///
/// Of the storage.
pub fn delete_created_until(
    txn: &WriteTxn,
    newest: Timestamp,
    count_max: usize,
) -> Result<(Vec<PersistentLogin>, usize), Failure> {
    let mut keys = Vec::new();
    txn.scan(&BY_CREATION, Bound::Unbounded, |key, _| {
        if keys.len() == count_max || split_creation_key(key).0 > newest {
            return Ok(ControlFlow::Break(()));
        }
        keys.push(*key);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut logins = Vec::new();
    for key in &keys {
        let (_, id) = split_creation_key(key);
        match get(txn, id) {
            Ok(Some(login)) => {
                delete(txn, &login)?;
                logins.push(login);
            }
            Ok(None) | Err(Failure::Corrupt(_)) => {
                txn.remove(&LOGINS, id.uuid().as_bytes())?;
                txn.remove(&BY_CREATION, key)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((logins, keys.len()))
}

/// Whether a login was created at `newest` or before.
///
/// # Errors
///
/// Of the storage.
pub fn any_created_until(txn: &impl Read, newest: Timestamp) -> Result<bool, Failure> {
    let mut found = false;
    txn.scan(&BY_CREATION, Bound::Unbounded, |key, _| {
        found = split_creation_key(key).0 <= newest;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Shows `visit` at most `count_max` logins whose ids come after `after`, in the order of their ids.
/// Returns the last id, to go on after it; `None` once there are no more. A record that does not decode
/// is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn walk(
    txn: &impl Read,
    after: Option<PersistentLoginId>,
    count_max: usize,
    mut visit: impl FnMut(PersistentLogin),
) -> Result<Option<PersistentLoginId>, Failure> {
    let mut count = 0;
    let mut last = None;
    let start = after.map(PersistentLoginId::uuid);
    let first = start
        .as_ref()
        .map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_bytes()));
    txn.scan(&LOGINS, first, |key, record| {
        let id = PersistentLoginId::new(Uuid::from_bytes(*key));
        if let Ok(login) = decode(id, record) {
            visit(login);
        }
        last = Some(id);
        count += 1;
        Ok(if count == count_max {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(last.filter(|_| count == count_max))
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
        .option(login.rotation, |record, rotation| {
            record
                .uuid(rotation.replaced.reveal())
                .timestamp(rotation.at)
        })
        .bytes(login.profile_id.as_bytes())
        .text(login.tenant.as_str())
        .finish()
}

fn decode(id: PersistentLoginId, record: &[u8]) -> Result<PersistentLogin, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let token = Token::new(decoder.uuid()?);
    let timestamp = decoder.timestamp()?;
    let rotation = decoder.option(|record| {
        Ok(Rotation {
            replaced: Token::new(record.uuid()?),
            at: record.timestamp()?,
        })
    })?;
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
        rotation,
    })
}

/// Reads the beginning of a record alone.
fn decode_usage(id: PersistentLoginId, record: &[u8]) -> Result<Usage, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let _token = decoder.uuid()?;
    let created = decoder.timestamp()?;
    let rotated = decoder.option(|record| {
        let _replaced = record.uuid()?;
        record.timestamp()
    })?;
    Ok(Usage {
        id,
        created,
        last_used: rotated.unwrap_or(created),
    })
}

fn encode_device(device: &Device) -> Vec<u8> {
    Encoder::new(INDEX_VERSION)
        .option(device.label.as_deref(), Encoder::text)
        .option(device.user_agent.as_deref(), Encoder::text)
        .option(device.ip_address.as_deref(), Encoder::text)
        .finish()
}

fn decode_device(entry: &[u8]) -> Result<Device, Failure> {
    let mut decoder = Decoder::new("device", INDEX_VERSION, entry)?;
    let mut text = || decoder.option(|record| record.text().map(str::to_owned));
    let device = Device {
        label: text()?,
        user_agent: text()?,
        ip_address: text()?,
    };
    decoder.finish()?;
    Ok(device)
}

/// The creation time so that bytes sort like times (big-endian, the sign bit turned), then the id.
fn creation_key(created: Timestamp, id: PersistentLoginId) -> [u8; 24] {
    let mut key = [0; 24];
    let sortable = created.as_millis() ^ i64::MIN;
    key[..8].copy_from_slice(&sortable.to_be_bytes());
    key[8..].copy_from_slice(id.uuid().as_bytes());
    key
}

fn split_creation_key(key: &[u8; 24]) -> (Timestamp, PersistentLoginId) {
    let (mut created, mut id) = ([0; 8], [0; 16]);
    created.copy_from_slice(&key[..8]);
    id.copy_from_slice(&key[8..]);
    (
        Timestamp::from_millis(i64::from_be_bytes(created) ^ i64::MIN),
        PersistentLoginId::new(Uuid::from_bytes(id)),
    )
}

fn profile_key(profile_id: ObjectId, id: PersistentLoginId) -> [u8; 28] {
    let mut key = [0; 28];
    key[..12].copy_from_slice(profile_id.as_bytes());
    key[12..].copy_from_slice(id.uuid().as_bytes());
    key
}

fn split_profile_key(key: &[u8; 28]) -> (ObjectId, PersistentLoginId) {
    let (mut profile_id, mut id) = ([0; 12], [0; 16]);
    profile_id.copy_from_slice(&key[..12]);
    id.copy_from_slice(&key[12..]);
    (
        ObjectId::from_bytes(profile_id),
        PersistentLoginId::new(Uuid::from_bytes(id)),
    )
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn login(rotation: Option<Rotation>) -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::new(Uuid::from_u128(42)),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([9; 12]),
            token: Token::new(Uuid::from_u128(43)),
            timestamp: Timestamp::from_millis(1_495_665_332_589),
            rotation,
        }
    }

    #[test]
    fn records_decode_to_what_was_encoded() {
        let rotation = Rotation {
            replaced: Token::new(Uuid::from_u128(41)),
            at: Timestamp::from_millis(7),
        };
        for login in [login(None), login(Some(rotation))] {
            let usage = Usage {
                id: login.id,
                created: login.timestamp,
                last_used: login.last_used(),
            };
            assert_eq!(decode_usage(login.id, &encode(&login)), Ok(usage));
            assert_eq!(decode(login.id, &encode(&login)), Ok(login));
        }
        let device = Device {
            label: Some("Kitchen tablet".to_owned()),
            user_agent: None,
            ip_address: Some("::1".to_owned()),
        };
        assert_eq!(decode_device(&encode_device(&device)), Ok(device));
    }

    #[test]
    fn index_keys_sort_by_time_before_and_after_the_epoch() {
        let id = PersistentLoginId::new(Uuid::from_u128(7));
        let times = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis);
        let keys = times.map(|time| creation_key(time, id));
        assert!(keys.is_sorted());
        assert_eq!(
            keys.map(|key| split_creation_key(&key)),
            times.map(|time| (time, id))
        );
    }

    #[test]
    fn profile_keys_sort_by_profile_then_id() {
        let owner = ObjectId::from_bytes([9; 12]);
        let id = PersistentLoginId::new(Uuid::from_u128(7));
        assert_eq!(split_profile_key(&profile_key(owner, id)), (owner, id));
        let next = ObjectId::from_bytes([10; 12]);
        let last = PersistentLoginId::new(Uuid::max());
        assert!(profile_key(owner, last) < profile_key(next, id));
    }
}
