//! What is left of profiles that ended with their tenant.

use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login::ended as ended_logins;
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::profile::record::{
    BY_USERNAME, PROFILES, decode_head, decode_owner, username_key,
};
use crate::tables::ticket::key::TicketKey;
use crate::tables::{ended_tenants, ended_tickets, persistent_login, sign_in, ticket};

/// How many logins, and how many tickets, of a profile are removed together with it. More are ended by a row of their
/// own, and removed afterwards.
const FEW: usize = 64;

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

/// Removes what is left of the profile with this id, if that ended with its tenant. Returns whether it did.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn remove(txn: &WriteTxn, id: ObjectId) -> Result<bool, Failure> {
    if !is_ended(txn, id)? {
        return Ok(false);
    }
    let key = txn.get(&PROFILES, id.as_bytes(), |record| {
        let head = decode_head(record)?;
        Ok(username_key(&head.tenant, head.username))
    })?;
    if let Some(key) = key
        && txn.get(&BY_USERNAME, &key, decode_owner)? == Some(id)
    {
        txn.remove(&BY_USERNAME, &key)?;
    }
    let block = match persistent_login::of_profile(txn, id, FEW)? {
        Some(logins) => {
            for login in logins {
                persistent_login::delete(txn, &login)?;
            }
            None
        }
        None => {
            ended_logins::end_all(txn, id, None)?;
            // Until the last of them is removed, it tells them from logins whose profile was lost.
            Some(LoginBlock::Gone)
        }
    };
    let (tickets, more) = ticket::of_profile(txn, id, None, FEW)?;
    for ticket in &tickets {
        ticket::delete(txn, TicketKey::of(ticket))?;
    }
    if more.is_some() {
        ended_tickets::end_all(txn, id)?;
    }
    sign_in::forget(txn, id)?;
    txn.remove(&PROFILES, id.as_bytes())?;
    login_block::put(txn, id, block)?;
    Ok(true)
}
