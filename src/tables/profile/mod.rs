//! Profiles: a record under the id, the ids by tenant and username, and an index of those whose logins are blocked.
//!
//! The index is a small table, so that whoever uses a login need not read the profile.
//!
//! A record may be behind the changes of its tenant that all profiles follow ([`crate::domain::sweep`]): whoever reads
//! a profile here gets it as it is with them. One whose tenant was deleted does not exist, whatever is still there of
//! it ([`ended_tenants`]).

pub mod access;
pub mod count;
pub mod document;
pub mod ended;
pub mod login_block;
pub mod of_tenant;
pub mod record;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::domain::object_id::ObjectId;
use crate::domain::profile::{Profile, ProfileStatus};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::login_block::LoginBlock;
use crate::tables::profile::record::{
    BY_USERNAME, PROFILES, ProfileHead, StoredProfile, decode_head, decode_owner, encode_owner,
    username_key,
};
use crate::tables::{attachment, ended_tenants, meta, persistent_login, sign_in, tenant};

/// The profile with this id.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: ObjectId) -> Result<Option<Profile>, Failure> {
    let stored = txn.get(&PROFILES, id.as_bytes(), |found| record::decode(id, found))?;
    let Some(StoredProfile {
        mut profile,
        tenant_revision,
        era,
    }) = stored
    else {
        return Ok(None);
    };
    if ended_tenants::has_ended(txn, &profile.tenant, era)? {
        return Ok(None);
    }
    let name = profile.tenant.clone();
    tenant::with_sweeps(txn, &name, |sweeps| {
        sweeps.apply_since(tenant_revision, &mut profile);
    })?;
    Ok(Some(profile))
}

/// Whether the profile with this id is enabled, and its tenant: the first part of its record.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn status(txn: &impl Read, id: ObjectId) -> Result<Option<ProfileStatus>, Failure> {
    with_head(txn, id, |head| ProfileStatus {
        enabled: head.enabled,
        tenant: head.tenant.clone(),
    })
}

/// The username of the profile with this id: the first part of its record.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn username(txn: &impl Read, id: ObjectId) -> Result<Option<String>, Failure> {
    with_head(txn, id, |head| head.username.to_owned())
}

/// What `with` makes of the first part of the record of the profile with this id, if there is one.
fn with_head<T>(
    txn: &impl Read,
    id: ObjectId,
    with: impl FnOnce(&ProfileHead<'_>) -> T,
) -> Result<Option<T>, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |found| {
        let head = decode_head(found)?;
        let has_ended = ended_tenants::has_ended(txn, &head.tenant, head.era)?;
        Ok((!has_ended).then(|| with(&head)))
    })?;
    Ok(found.flatten())
}

/// The id of the tenant's profile with this username.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn id_by_username(
    txn: &impl Read,
    tenant: &TenantName,
    username: &str,
) -> Result<Option<ObjectId>, Failure> {
    let key = username_key(tenant, username);
    let Some(id) = txn.get(&BY_USERNAME, &key, decode_owner)? else {
        return Ok(None);
    };
    if ended_tenants::all(txn)?.of(tenant)?.is_some() && ended::is_ended(txn, id)? {
        return Ok(None);
    }
    Ok(Some(id))
}

/// The tenant's profile with this username.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn by_username(
    txn: &impl Read,
    tenant: &TenantName,
    username: &str,
) -> Result<Option<Profile>, Failure> {
    match id_by_username(txn, tenant, username)? {
        Some(id) => get(txn, id)?.map(Some).ok_or_else(record_missing),
        None => Ok(None),
    }
}

/// The id of the tenant's profile with this username, and as [`status`].
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn status_by_username(
    txn: &impl Read,
    tenant: &TenantName,
    username: &str,
) -> Result<Option<(ObjectId, ProfileStatus)>, Failure> {
    match id_by_username(txn, tenant, username)? {
        Some(id) => {
            let status = status(txn, id)?.ok_or_else(record_missing)?;
            Ok(Some((id, status)))
        }
        None => Ok(None),
    }
}

/// A record and its entry in the index are put and removed together: where the entry is alone, the record is damaged.
fn record_missing() -> Failure {
    Failure::Corrupt("profile: its record is missing".to_owned())
}

/// Calls `visit` with the ids of the tenant's profiles after the username `after`, also of those of which something is
/// left since they ended with it, in the order of their usernames, until it breaks off. Returns the username that it
/// broke off with, to go on after it; `None` at the end. An entry that cannot be read is given as that failure: it may
/// be that of another tenant, and concerns no other profile.
///
/// # Errors
///
/// Of the storage.
pub fn visit_tenant(
    txn: &impl Read,
    tenant: &TenantName,
    after: Option<&str>,
    mut visit: impl FnMut(Result<ObjectId, Failure>) -> ControlFlow<()>,
) -> Result<Option<String>, Failure> {
    let first = after.map_or(Bound::Included(""), Bound::Excluded);
    visit_usernames(txn, tenant, first, |_, id| visit(id))
}

/// The same from the username `first` on, with the usernames too. That of an entry that cannot be read is empty.
///
/// # Errors
///
/// Of the storage.
pub fn visit_usernames(
    txn: &impl Read,
    tenant: &TenantName,
    first: Bound<&str>,
    mut visit: impl FnMut(&str, Result<ObjectId, Failure>) -> ControlFlow<()>,
) -> Result<Option<String>, Failure> {
    let prefix = username_key(tenant, "");
    let first = first.map(|username| username_key(tenant, username));
    let mut last = None;
    txn.scan(
        &BY_USERNAME,
        first.as_ref().map(Vec::as_slice),
        |key, record| {
            let Some(username) = key.strip_prefix(prefix.as_slice()) else {
                // An entry that cannot be read may have any key.
                return Ok(match record {
                    Ok(_) => ControlFlow::Break(()),
                    Err(failure) => visit("", Err(failure)),
                });
            };
            let id = record.and_then(decode_owner);
            let flow = match (str::from_utf8(username), id) {
                (Ok(username), Ok(id)) => visit(username, Ok(id)),
                (_, Err(failure)) => visit("", Err(failure)),
                (Err(_), Ok(_)) => visit("", Err(username_invalid())),
            };
            if flow.is_break() {
                last = Some(String::from_utf8_lossy(username).into_owned());
            }
            Ok(flow)
        },
    )?;
    Ok(last)
}

fn username_invalid() -> Failure {
    Failure::Corrupt("profile: a username is not UTF-8".to_owned())
}

/// Puts the profile, in place of the one with its id, whose tenant must be the same. No other profile of the tenant
/// may have its username; what is left of one that ended with its tenant makes way.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn put(txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
    let before = txn.get(&PROFILES, profile.id.as_bytes(), |found| {
        let head = decode_head(found)?;
        let key = username_key(&head.tenant, head.username);
        Ok((head.era, key))
    })?;
    let (era, old_key) = match before {
        Some((era, key)) => (era, Some(key)),
        None => {
            count::add(txn, &profile.tenant, 1)?;
            (meta::login_era(txn)?, None)
        }
    };
    let revision = tenant::with_sweeps(txn, &profile.tenant, |sweeps| sweeps.revision)?;
    let encoded = record::encode(profile, era, revision);
    txn.put(&PROFILES, profile.id.as_bytes(), &encoded)?;
    let key = username_key(&profile.tenant, &profile.username);
    if old_key.as_ref() != Some(&key) {
        if let Some(old_key) = old_key {
            txn.remove(&BY_USERNAME, &old_key)?;
        }
        if let Some(owner) = txn.get(&BY_USERNAME, &key, decode_owner)?
            && owner != profile.id
        {
            if !ended::is_ended(txn, owner)? {
                return Err(Failure::Internal(
                    "another profile has the username".to_owned(),
                ));
            }
            ended::remove(txn, &profile.tenant, owner)?;
        }
        txn.put(&BY_USERNAME, &key, &encode_owner(&profile.id))?;
    }
    let block = (!profile.enabled).then_some(LoginBlock::Disabled);
    login_block::put(txn, profile.id, block)
}

/// Puts a new profile, whose id was never used, and whose username [`id_by_username`] did not find in this transaction:
/// that is not examined again, and to look for what is not there takes longest.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn insert(txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
    insert_all(txn, &[profile])
}

/// Puts such profiles, no two of which have the same id or username. They are put into one table after the other, each
/// time in the order of its keys, which is many times as fast as one profile after the other.
///
/// # Errors
///
/// As [`insert`].
pub fn insert_all(txn: &WriteTxn, profiles: &[&Profile]) -> Result<(), Failure> {
    let era = meta::login_era(txn)?;
    let ended = ended_tenants::all(txn)?;
    // With the revisions of the tenant that their records are of.
    let mut new = Vec::with_capacity(profiles.len());
    let mut counts = BTreeMap::<_, u64>::new();
    for &profile in profiles {
        if ended.of(&profile.tenant)?.is_some() {
            // What is left under the username makes way.
            put(txn, profile)?;
            continue;
        }
        *counts.entry(&profile.tenant).or_default() += 1;
        let revision = tenant::with_sweeps(txn, &profile.tenant, |sweeps| sweeps.revision)?;
        new.push((profile, revision));
    }
    for (tenant, count) in counts {
        count::add(txn, tenant, count)?;
    }
    new.sort_unstable_by_key(|(profile, _)| profile.id);
    let records = new.iter().map(|(profile, revision)| {
        let encoded = record::encode(profile, era, *revision);
        (profile.id.as_bytes(), encoded)
    });
    txn.put_all(&PROFILES, records)?;
    let names = new.iter().map(|(profile, _)| {
        let key = username_key(&profile.tenant, &profile.username);
        (key, profile.id)
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    let owners = names.iter().map(|(key, id)| (&**key, encode_owner(id)));
    txn.put_all(&BY_USERNAME, owners)?;
    for (profile, _) in new {
        if !profile.enabled {
            login_block::put(txn, profile.id, Some(LoginBlock::Disabled))?;
        }
    }
    Ok(())
}

/// Removes the profile. Logins that it may have are blocked.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
    let era = |found: &[u8]| Ok(decode_head(found)?.era);
    if let Some(era) = txn.get(&PROFILES, profile.id.as_bytes(), era)? {
        count::remove_one(txn, &profile.tenant, era)?;
    }
    txn.remove(&PROFILES, profile.id.as_bytes())?;
    sign_in::forget(txn, profile.id)?;
    attachment::deleted::put(txn, profile.id)?;
    let username = username_key(&profile.tenant, &profile.username);
    txn.remove(&BY_USERNAME, &username)?;
    let has_logins = persistent_login::has_more_than(txn, profile.id, 0)?;
    login_block::put(txn, profile.id, has_logins.then_some(LoginBlock::Gone))
}

/// The id of the first profile, if there is any.
///
/// # Errors
///
/// Of the storage.
pub fn first_id(txn: &impl Read) -> Result<Option<ObjectId>, Failure> {
    let mut first = None;
    txn.scan(&PROFILES, Bound::Unbounded, |id, _| {
        first = Some(ObjectId::from_bytes(*id));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// At most `count_max` ids of profiles of all tenants, those after `after`, in their order. Records are not read, and
/// an entry that cannot be read is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn ids_after(
    txn: &impl Read,
    after: Option<ObjectId>,
    count_max: usize,
) -> Result<Vec<ObjectId>, Failure> {
    let first = match &after {
        Some(id) => Bound::Excluded(id.as_bytes()),
        None => Bound::Unbounded,
    };
    let mut ids = Vec::new();
    txn.scan(&PROFILES, first, |id, record| {
        if record.is_ok() {
            ids.push(ObjectId::from_bytes(*id));
        }
        Ok(if ids.len() < count_max {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    Ok(ids)
}

/// The number of profiles of all tenants, with those that ended with their tenant and are not removed yet.
///
/// # Errors
///
/// Of the storage.
pub fn total(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&PROFILES)
}

/// Whether there is no profile at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&PROFILES)
}
