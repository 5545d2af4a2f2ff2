//! What is left of profiles that ended with their tenant.

use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::access;
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::profile::record::{
    BY_USERNAME, PROFILES, decode_head, decode_owner, username_key,
};
use crate::tables::{attachment, ended_tenants, sign_in};

/// Whether there is something left of a profile with this id that ended with its tenant.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn is_ended(txn: &impl Read, id: ObjectId) -> Result<bool, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |record| {
        let head = decode_head(record)?;
        ended_tenants::has_ended(txn, &head.tenant, head.era)
    })?;
    Ok(found.unwrap_or(false))
}

/// Removes what is left of the profile with this id of `tenant`, if that ended with its tenant. Returns whether it did.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode. If it is that of the profile, whether this one ended is
/// unknown, and its record is left; its logins and tickets from before the end of `tenant` are ended nevertheless.
pub fn remove(txn: &WriteTxn, tenant: &TenantName, id: ObjectId) -> Result<bool, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |record| {
        let head = decode_head(record)?;
        let has_ended = ended_tenants::has_ended(txn, &head.tenant, head.era)?;
        Ok((has_ended, username_key(&head.tenant, head.username)))
    });
    let key = match found {
        Ok(Some((true, key))) => key,
        Ok(Some((false, _))) => return Ok(false),
        lost @ (Ok(None) | Err(Failure::Corrupt(_))) => {
            if let Some(era) = ended_tenants::all(txn)?.of(tenant)? {
                access::end_before(txn, id, era)?;
            }
            return lost.map(|_| false);
        }
        Err(failure) => return Err(failure),
    };
    match txn.get(&BY_USERNAME, &key, decode_owner) {
        // One that cannot be read was never overwritten by a profile that came later.
        Ok(owner) if owner == Some(id) => drop(txn.remove(&BY_USERNAME, &key)?),
        Err(Failure::Corrupt(_)) => drop(txn.remove(&BY_USERNAME, &key)?),
        owner => drop(owner?),
    }
    // Until the last of many logins is removed, it tells them from logins whose profile was lost.
    let block = access::end(txn, id)?.then_some(LoginBlock::Gone);
    sign_in::forget(txn, id)?;
    attachment::deleted::put(txn, id)?;
    txn.remove(&PROFILES, id.as_bytes())?;
    login_block::put(txn, id, block)?;
    Ok(true)
}
