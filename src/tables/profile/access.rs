//! The access of a profile: its logins and tickets, and their end.

use std::ops::ControlFlow;

use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login::ended as ended_logins;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::ticket::ended as ended_tickets;
use crate::tables::ticket::key::TicketKey;
use crate::tables::{persistent_login, ticket};

/// How many logins and how many tickets, valid or not, the transaction removes that ends them.
const FEW: usize = 64;

/// Ends all logins and tickets that the profile has now. Few are removed; where there are many, a row of their own ends
/// them, and they are removed afterwards. Returns whether that is so of the logins.
///
/// # Errors
///
/// Of the storage.
pub fn end(txn: &WriteTxn, profile_id: ObjectId) -> Result<bool, Failure> {
    end_before(txn, profile_id, Era::MAX)
}

/// The same for those of eras before `era`. Where there are many, all of them end.
pub(super) fn end_before(txn: &WriteTxn, profile_id: ObjectId, era: Era) -> Result<bool, Failure> {
    let few_logins = persistent_login::of_profile(txn, profile_id, FEW)?;
    let has_many_logins = few_logins.is_none();
    match few_logins {
        Some(few) => {
            for login in few.iter().filter(|login| login.era < era) {
                persistent_login::delete(txn, login)?;
            }
        }
        None => ended_logins::end_all(txn, profile_id, None)?,
    }
    match ticket::of_profile(txn, profile_id, None, FEW)? {
        (few, None) => {
            for ticket in few.iter().filter(|ticket| ticket.era < era) {
                ticket::delete(txn, TicketKey::of(ticket))?;
            }
        }
        (_, Some(_)) => ended_tickets::end_all(txn, profile_id)?,
    }
    Ok(has_many_logins)
}

/// The tenant of the profile, as its logins and tickets have it; `None` if none of them can be read.
pub(super) fn tenant(txn: &impl Read, profile_id: ObjectId) -> Result<Option<TenantName>, Failure> {
    let mut ids = Vec::new();
    persistent_login::visit_profile(txn, profile_id, None, true, |usage| {
        ids.push(usage.id);
        if ids.len() < FEW {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    for id in ids {
        let login = persistent_login::get_at(txn, LoginKey { profile_id, id });
        if let Some(login) = Failure::unless_corrupt(login)? {
            return Ok(Some(login.tenant));
        }
    }
    let (tickets, _) = ticket::of_profile(txn, profile_id, None, FEW)?;
    Ok(tickets.into_iter().next().map(|ticket| ticket.tenant))
}
