//! Persistent logins: a record under the key of its profile and its id, and what is needed to find it.
//!
//! The logins of a profile lie next to each other, so that all of them are read at once. A small table
//! tells the profile of each id; another one holds what is known of devices, which only lists show;
//! and an index by creation time lets the cleaner find what has expired. None of these says anything
//! that a rotation changes.
//!
//! A record may be behind: what rotations changed since is in the transaction's overlay, which every
//! look here takes into account, until [`settle`] writes it into the record. A login that was looked for
//! lately is there as a whole.

pub mod key;
mod record;

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::error::Failure;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::engine::{Fixed, Read, Table};
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login::key::Place;
use crate::tables::persistent_login::record::{
    creation_key, decode, decode_device, decode_profile, decode_usage, encode, encode_creation,
    encode_device, encode_profile, encode_rotated, split_creation_key,
};

const LOGINS: Table<Fixed<28>> = Table::new("persistent_login");
const PROFILES: Table<Fixed<16>> = Table::new("persistent_login_profile");
const DEVICES: Table<Fixed<28>> = Table::new("persistent_login_device");
const BY_CREATION: Table<Fixed<24>> = Table::new("persistent_login_by_creation");

/// The login with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: PersistentLoginId) -> Result<Option<PersistentLogin>, Failure> {
    if let Some(known) = txn.known(id) {
        return Ok(Some(known));
    }
    let found = match profile_of(txn, id)? {
        Some(profile_id) => get_at(txn, Place { profile_id, id })?,
        None => None,
    };
    if let Some(login) = &found {
        txn.learn(login);
    }
    Ok(found)
}

/// The login at this place, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get_at(txn: &impl Read, place: Place) -> Result<Option<PersistentLogin>, Failure> {
    let found = txn.get(&LOGINS, &place.key(), |record| decode(place, record))?;
    Ok(found.map(|login| up_to_date(txn, login)))
}

/// The login as it is, if `login` is what the edition of this version showed, whose records `txn` shows.
pub fn rotated_since(txn: &WriteTxn, version: u64, login: PersistentLogin) -> PersistentLogin {
    after(txn.rotated_since(version, Place::of(&login)), login)
}

/// The login as it is, if `login` is what its record says.
fn up_to_date(txn: &impl Read, login: PersistentLogin) -> PersistentLogin {
    after(txn.rotated(Place::of(&login)), login)
}

/// The login after this rotation, if there is one.
fn after(rotated: Option<Rotated>, login: PersistentLogin) -> PersistentLogin {
    match rotated {
        Some(rotated) => rotated.apply(login),
        None => login,
    }
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
    scan_profile(txn, profile_id, |place, record| {
        let usage = decode_usage(place, record)?;
        let rotated = txn.rotated(place);
        let last_used = rotated.map_or(usage.last_used, |rotated| rotated.rotation.at);
        Ok(Usage { last_used, ..usage })
    })
}

/// The logins of a profile, expired ones among them, in the order of their ids. A record that does not
/// decode is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn of_profile(txn: &impl Read, profile_id: ObjectId) -> Result<Vec<PersistentLogin>, Failure> {
    scan_profile(txn, profile_id, |place, record| {
        let login = decode(place, record)?;
        Ok(up_to_date(txn, login))
    })
}

/// Whether the profile has a login, expired or not.
///
/// # Errors
///
/// Of the storage.
pub fn any_of_profile(txn: &impl Read, profile_id: ObjectId) -> Result<bool, Failure> {
    let mut found = false;
    let first = first_place(profile_id).key();
    txn.scan(&LOGINS, Bound::Included(&first), |key, _| {
        found = Place::from_key(key).profile_id == profile_id;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// What is known of the device of the login at this place; nothing if there is no such login.
///
/// # Errors
///
/// Of the storage, or of an entry that does not decode.
pub fn device(txn: &impl Read, place: Place) -> Result<Device, Failure> {
    let found = txn.get(&DEVICES, &place.key(), decode_device)?;
    Ok(found.unwrap_or_default())
}

fn scan_profile<T>(
    txn: &impl Read,
    profile_id: ObjectId,
    decode: impl Fn(Place, &[u8]) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    let first = first_place(profile_id).key();
    txn.scan(&LOGINS, Bound::Included(&first), |key, record| {
        let place = Place::from_key(key);
        if place.profile_id != profile_id {
            return Ok(ControlFlow::Break(()));
        }
        match decode(place, record) {
            Ok(login) => found.push(login),
            // One record that cannot be read must not hide a profile's other logins.
            Err(Failure::Corrupt(cause)) => {
                tracing::warn!(cause, "a login of a profile is passed over");
            }
            Err(failure) => return Err(failure),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The lowest place that a login of the profile can have.
fn first_place(profile_id: ObjectId) -> Place {
    let id = PersistentLoginId::new(Uuid::nil());
    Place { profile_id, id }
}

fn profile_of(txn: &impl Read, id: PersistentLoginId) -> Result<Option<ObjectId>, Failure> {
    txn.get(&PROFILES, id.uuid().as_bytes(), decode_profile)
}

/// Puts a new login.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, login: &PersistentLogin, device: &Device) -> Result<(), Failure> {
    let place = Place::of(login);
    txn.put(&LOGINS, &place.key(), &encode(login))?;
    txn.put(
        &PROFILES,
        login.id.uuid().as_bytes(),
        &encode_profile(place.profile_id),
    )?;
    let creation_key = creation_key(login.timestamp, login.id);
    txn.put(&BY_CREATION, &creation_key, &encode_creation())?;
    if *device == Device::default() {
        return Ok(());
    }
    txn.put(&DEVICES, &place.key(), &encode_device(device))
}

/// Puts the login, which was just rotated, in place of the one with its id.
pub fn rotate(txn: &WriteTxn, login: &PersistentLogin) {
    if let Some(rotated) = Rotated::of(login) {
        txn.rotate(Place::of(login), rotated);
    }
}

/// Writes what rotations changed into the records at these places, as far as there are any.
///
/// # Errors
///
/// Of the storage.
pub fn settle(txn: &WriteTxn, rotations: &[(Place, Rotated)]) -> Result<(), Failure> {
    let keys: Vec<_> = rotations.iter().map(|(place, _)| place.key()).collect();
    let rotated = rotations.iter().map(|(_, rotated)| *rotated);
    txn.update(
        &LOGINS,
        keys.iter().zip(rotated),
        |rotated, record| match encode_rotated(record, rotated) {
            Ok(record) => Ok(Some(record)),
            Err(Failure::Corrupt(cause)) => {
                tracing::warn!(
                    cause,
                    "a rotation of a login that cannot be read is dropped"
                );
                Ok(None)
            }
            Err(failure) => Err(failure),
        },
    )
}

/// Removes the login.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, login: &PersistentLogin) -> Result<(), Failure> {
    txn.remove(&BY_CREATION, &creation_key(login.timestamp, login.id))?;
    remove(txn, Place::of(login))
}

/// Removes everything about the login at this place but its entry in the index by creation.
fn remove(txn: &WriteTxn, place: Place) -> Result<(), Failure> {
    txn.remove(&LOGINS, &place.key())?;
    txn.remove(&DEVICES, &place.key())?;
    remove_profile(txn, place.id)
}

/// Removes what every look for an id begins with.
fn remove_profile(txn: &WriteTxn, id: PersistentLoginId) -> Result<(), Failure> {
    txn.remove(&PROFILES, id.uuid().as_bytes())?;
    txn.delete(id);
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
        txn.remove(&BY_CREATION, key)?;
        match profile_of(txn, id) {
            Ok(Some(profile_id)) => {
                let place = Place { profile_id, id };
                logins.extend(unless_corrupt(get_at(txn, place))?);
                remove(txn, place)?;
            }
            Ok(None) | Err(Failure::Corrupt(_)) => {
                remove_profile(txn, id)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((logins, keys.len()))
}

fn unless_corrupt<T>(found: Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Err(Failure::Corrupt(_)) => Ok(None),
        found => found,
    }
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

/// Shows `visit` at most `count_max` logins whose places come after `after`, in the order of their
/// places. Returns the last place, to go on after it; `None` once there are no more. A record that
/// does not decode is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn walk(
    txn: &impl Read,
    after: Option<Place>,
    count_max: usize,
    mut visit: impl FnMut(PersistentLogin),
) -> Result<Option<Place>, Failure> {
    let mut count = 0;
    let mut last = None;
    let start = after.map(Place::key);
    let first = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    txn.scan(&LOGINS, first, |key, record| {
        let place = Place::from_key(key);
        if let Ok(login) = decode(place, record) {
            visit(up_to_date(txn, login));
        }
        last = Some(place);
        count += 1;
        Ok(if count == count_max {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(last.filter(|_| count == count_max))
}

/// How many logins there are, expired ones among them.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&LOGINS)
}

/// Whether there is no login at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&LOGINS)
}
