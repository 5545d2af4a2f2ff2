//! Persistent logins: a record under the key of its profile and its id, and what is needed to find it.
//!
//! The logins of a profile are next to each other, so that all of them are read at once. A small table has the
//! profile of each id; another one has what is known of devices, which only lists show; and an index by
//! creation time lets the expired ones be found. Hardly any rotation changes these.
//!
//! A rotation changes a part of a record only, and is journaled: [`LOGINS`] says how. What is known of the device
//! changes with a rotation that comes from another address or browser, in its transaction, and is not journaled.

pub mod ended;
pub mod ended_together;
pub mod key;
pub mod record;
pub mod usage;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::domain::device::Device;
use crate::domain::key_ring::KeyNumber;
use crate::domain::login_state::{Era, ImportedLogin, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::storage::engine::read::EngineRead;
use crate::storage::table::{Fixed, JournaledTable, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::skip_damage::end_of_damage;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::expiry_index::ExpiryIndex;
use crate::tables::persistent_login::key::{LoginKey, PREFIX_BYTES};
use crate::tables::persistent_login::record::{
    apply_rotation, decode, decode_device, decode_profile, decode_usage, encode, encode_device,
    encode_profile, rotation_of, with_rotation,
};
use crate::tables::persistent_login::usage::Usage;

/// The records. What a rotation changes is journaled.
pub static LOGINS: JournaledTable<28> = JournaledTable {
    table: Table::new("persistent_login"),
    tag: 1,
    identity: PREFIX_BYTES,
    apply: apply_rotation,
    delta: rotation_of,
    cache_divisor: 1,
};

const PROFILES: Table<Fixed<16>> = Table::new("persistent_login_profile");
const DEVICES: Table<Fixed<28>> = Table::sparse("persistent_login_device");

/// The logins by the time of their creation.
pub const BY_CREATION: ExpiryIndex = ExpiryIndex::new("persistent_login_by_creation");

/// The login with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: PersistentLoginId) -> Result<Option<LoginState>, Failure> {
    let cached = txn.cached_row(&LOGINS, id.uuid().as_bytes(), |key, record| {
        decode(LoginKey::from_bytes(key), record)
    })?;
    if cached.is_some() {
        return Ok(cached);
    }
    let Some(profile_id) = profile_of(txn, id)? else {
        return Ok(None);
    };
    // Both are put and removed together: a login whose record is not found is not gone, its page is damaged.
    let found = get_at(txn, LoginKey { profile_id, id })?;
    let missing = || Failure::Corrupt("persistent login: its record is missing".to_owned());
    found.map(Some).ok_or_else(missing)
}

/// The login with this key, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get_at(txn: &impl Read, key: LoginKey) -> Result<Option<LoginState>, Failure> {
    txn.row(&LOGINS, &key.to_bytes(), |record| decode(key, record))
}

/// Calls `visit` with the usage of a profile's logins after `after`, expired ones among them, in the order of their
/// ids, until it breaks off. Returns the login that it broke off with, to go on after it; `None` at the end. A record
/// that does not decode fails, or is left out.
///
/// # Errors
///
/// Of the storage.
pub fn visit_profile(
    txn: &impl Read,
    profile_id: ObjectId,
    after: Option<PersistentLoginId>,
    leaves_out_corrupt: bool,
    mut visit: impl FnMut(Usage) -> ControlFlow<()>,
) -> Result<Option<PersistentLoginId>, Failure> {
    let mut last = None;
    scan_profile(txn, profile_id, after, |key, record| {
        let usage = record.and_then(|record| decode_usage(key, record));
        let usage = if leaves_out_corrupt {
            unless_unreadable(usage)?
        } else {
            Some(usage?)
        };
        let Some(usage) = usage else {
            return Ok(ControlFlow::Continue(()));
        };
        let flow = visit(usage);
        last = flow.is_break().then_some(key.id);
        Ok(flow)
    })?;
    Ok(last)
}

/// Whether the profile has more than `count` logins, expired ones among them.
///
/// # Errors
///
/// Of the storage.
pub fn has_more_than(txn: &impl Read, profile_id: ObjectId, count: usize) -> Result<bool, Failure> {
    let mut found = 0;
    scan_keys(
        txn,
        Bound::Included(LoginKey::first_of(profile_id)),
        |key| {
            let is_of_profile = key.profile_id == profile_id;
            found += usize::from(is_of_profile);
            if is_of_profile && found <= count {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    )?;
    Ok(found > count)
}

/// The logins of a profile, expired ones among them, in the order of their ids; `None` if there are more than
/// `count_max`. A record that does not decode is left out.
///
/// # Errors
///
/// Of the storage.
pub fn of_profile(
    txn: &impl Read,
    profile_id: ObjectId,
    count_max: usize,
) -> Result<Option<Vec<LoginState>>, Failure> {
    let mut found = Some(Vec::new());
    let mut count = 0;
    scan_profile(txn, profile_id, None, |key, record| {
        count += 1;
        if count > count_max {
            found = None;
            return Ok(ControlFlow::Break(()));
        }
        if let Some(logins) = &mut found {
            let login = record.and_then(|record| decode(key, record));
            logins.extend(unless_unreadable(login)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// What is known of the device of the login with this key; nothing if there is no such login.
///
/// # Errors
///
/// Of the storage, or of an entry that does not decode.
pub fn device(txn: &impl Read, key: LoginKey) -> Result<Device, Failure> {
    let found = txn.get(&DEVICES, &key.to_bytes(), decode_device)?;
    Ok(found.unwrap_or_default())
}

/// Calls `visit` with the records of a profile's logins after `after`, until it breaks off.
fn scan_profile(
    txn: &impl Read,
    profile_id: ObjectId,
    after: Option<PersistentLoginId>,
    mut visit: impl FnMut(LoginKey, Result<&[u8], Failure>) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let first = match after {
        Some(id) => LoginKey { profile_id, id },
        None => LoginKey::first_of(profile_id),
    };
    let first = first.to_bytes();
    let first = match after {
        Some(_) => Bound::Excluded(&first),
        None => Bound::Included(&first),
    };
    txn.scan_rows(&LOGINS, first, |key, record| {
        let key = LoginKey::from_bytes(key);
        if key.profile_id == profile_id {
            visit(key, record)
        } else {
            Ok(ControlFlow::Break(()))
        }
    })
}

/// One record that cannot be read must not hide a profile's other logins.
fn unless_unreadable<T>(decoded: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match decoded {
        Ok(login) => Ok(Some(login)),
        Err(Failure::Corrupt(cause)) => {
            tracing::warn!(cause, "a login of a profile is left out");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn profile_of(txn: &impl Read, id: PersistentLoginId) -> Result<Option<ObjectId>, Failure> {
    txn.get(&PROFILES, id.uuid().as_bytes(), decode_profile)
}

/// Puts a new login.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, login: &LoginState, device: &Device) -> Result<(), Failure> {
    let key = LoginKey::of(login);
    txn.insert_row(&LOGINS, &key.to_bytes(), &encode(login))?;
    txn.put(
        &PROFILES,
        login.id.uuid().as_bytes(),
        &encode_profile(key.profile_id),
    )?;
    BY_CREATION.put(txn, login.created, login.id.uuid())?;
    if *device == Device::default() {
        return Ok(());
    }
    put_device(txn, key, device)
}

/// Puts new logins that came from elsewhere, each in its era. They are put into one table after the other, each time in
/// the order of its keys, which is many times as fast as one login after the other.
///
/// # Errors
///
/// Of the storage.
pub fn create_imported(txn: &WriteTxn, logins: &[(&ImportedLogin, Era)]) -> Result<(), Failure> {
    let mut rows: Vec<_> = logins
        .iter()
        .map(|(login, era)| (LoginKey::of_imported(login).to_bytes(), *login, *era))
        .collect();
    rows.sort_unstable_by_key(|(key, ..)| *key);
    let records = rows
        .iter()
        .map(|(key, login, era)| (key, encode(&login.state(*era))));
    txn.insert_rows(&LOGINS, records)?;
    let mut owners: Vec<_> = logins
        .iter()
        .map(|(login, _)| (login.id.uuid().into_bytes(), login.profile_id))
        .collect();
    owners.sort_unstable_by_key(|(id, _)| *id);
    let owners = owners.iter();
    txn.put_all(
        &PROFILES,
        owners.map(|(id, owner)| (id, encode_profile(*owner))),
    )?;
    let logins = logins.iter();
    BY_CREATION.put_all(
        txn,
        logins.map(|(login, _)| (login.created, login.id.uuid())),
    )
}

/// Puts what is known of the device of an existing login, in place of what was.
///
/// # Errors
///
/// Of the storage.
pub fn put_device(txn: &WriteTxn, key: LoginKey, device: &Device) -> Result<(), Failure> {
    txn.put(&DEVICES, &key.to_bytes(), &encode_device(device))
}

/// Puts the login, which was just rotated, in place of the one with its id.
///
/// # Errors
///
/// Of the storage.
pub fn rotate(txn: &WriteTxn, login: &LoginState) -> Result<(), Failure> {
    let key = LoginKey::of(login).to_bytes();
    with_rotation(login, |delta| txn.update_row(&LOGINS, &key, delta))
}

/// Removes the login.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, login: &LoginState) -> Result<(), Failure> {
    BY_CREATION.remove(txn, login.created, login.id.uuid())?;
    remove(txn, LoginKey::of(login))
}

/// Removes everything about the login with this key but its entry in the index by creation.
fn remove(txn: &WriteTxn, key: LoginKey) -> Result<(), Failure> {
    txn.remove_row(&LOGINS, &key.to_bytes())?;
    txn.remove(&DEVICES, &key.to_bytes())?;
    txn.remove(&PROFILES, key.id.uuid().as_bytes())?;
    Ok(())
}

/// Removes the login with this id, whose entry in the index by creation was removed, and returns it. One whose
/// record cannot be read is removed too, since it can never be used again, and is not returned.
///
/// # Errors
///
/// Of the storage.
pub fn remove_expired(
    txn: &WriteTxn,
    id: PersistentLoginId,
) -> Result<Option<LoginState>, Failure> {
    match Failure::unless_corrupt(profile_of(txn, id))? {
        Some(profile_id) => {
            let key = LoginKey { profile_id, id };
            let login = Failure::unless_corrupt(get_at(txn, key))?;
            remove(txn, key)?;
            Ok(login)
        }
        None => {
            txn.remove(&PROFILES, id.uuid().as_bytes())?;
            Ok(None)
        }
    }
}

/// Calls `visit` with at most `count_max` logins whose keys come after `after`, in the order of their keys.
/// Returns the last key, to go on after it; `None` once there are no more. A record that does not decode, or is on a
/// page that cannot be read, is left out.
///
/// # Errors
///
/// Of the storage.
pub fn walk(
    txn: &impl Read,
    after: Option<LoginKey>,
    count_max: usize,
    mut visit: impl FnMut(LoginState),
) -> Result<Option<LoginKey>, Failure> {
    let mut count = 0;
    let mut last = after;
    loop {
        let start = last.map(LoginKey::to_bytes);
        let first = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let walked = txn.scan_rows(&LOGINS, first, |key, record| {
            let key = LoginKey::from_bytes(key);
            if let Ok(login) = record.and_then(|record| decode(key, record)) {
                visit(login);
            }
            last = Some(key);
            count += 1;
            Ok(if count == count_max {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        match skip_damage(txn, walked, last)? {
            Skipped::To(key) => last = Some(key),
            Skipped::Nothing => return Ok(last.filter(|_| count == count_max)),
            Skipped::All => return Ok(None),
        }
    }
}

/// What a walk over the logins passes over, because it cannot be read.
enum Skipped {
    Nothing,
    /// What is up to this key.
    To(LoginKey),
    /// All that is left.
    All,
}

/// Where a walk that came to `last` goes on.
fn skip_damage(
    txn: &impl Read,
    walked: Result<(), Failure>,
    last: Option<LoginKey>,
) -> Result<Skipped, Failure> {
    match walked {
        Ok(()) => Ok(Skipped::Nothing),
        Err(Failure::Unreadable(_)) => {
            let last = last.map_or([0; 28], LoginKey::to_bytes);
            let end = end_of_damage(txn, &LOGINS.table, &last)?;
            Ok(end.map_or(Skipped::All, |key| Skipped::To(LoginKey::from_bytes(&key))))
        }
        Err(failure) => Err(failure),
    }
}

/// Calls `visit` with the keys of the logins after `after`, in their order, until it breaks off. Those on pages that
/// cannot be read are left out.
///
/// # Errors
///
/// Of the storage.
pub fn visit_keys(
    txn: &impl Read,
    after: Option<LoginKey>,
    mut visit: impl FnMut(LoginKey) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut last = after;
    loop {
        let first = last.map_or(Bound::Unbounded, Bound::Excluded);
        let walked = scan_keys(txn, first, |key| {
            last = Some(key);
            visit(key)
        });
        match skip_damage(txn, walked, last)? {
            Skipped::To(key) => last = Some(key),
            Skipped::Nothing | Skipped::All => return Ok(()),
        }
    }
}

fn scan_keys(
    txn: &impl Read,
    first: Bound<LoginKey>,
    mut visit: impl FnMut(LoginKey) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let first = first.map(LoginKey::to_bytes);
    txn.scan(&LOGINS.table, first.as_ref(), |key, _| {
        Ok(visit(LoginKey::from_bytes(key)))
    })
}

/// How many logins need each key, as far as their records can be read.
///
/// # Errors
///
/// Of the storage.
pub fn count_by_key(file: &EngineRead) -> Result<BTreeMap<KeyNumber, u64>, Failure> {
    let mut counts = BTreeMap::new();
    file.scan(&LOGINS.table, Bound::Unbounded, |key, record| {
        let login = record.and_then(|record| decode(LoginKey::from_bytes(key), record));
        if let Ok(login) = login {
            *counts.entry(login.key.number).or_default() += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

/// The number of logins, expired ones among them.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&LOGINS.table)
}

/// Whether there is no login at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&LOGINS.table)
}
