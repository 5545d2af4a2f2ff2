//! The access of a profile: its logins and tickets, and their end.

use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login::ended as ended_logins;
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
    let few_logins = persistent_login::of_profile(txn, profile_id, FEW)?;
    let has_many_logins = few_logins.is_none();
    match few_logins {
        Some(few) => {
            for login in few {
                persistent_login::delete(txn, &login)?;
            }
        }
        None => ended_logins::end_all(txn, profile_id, None)?,
    }
    match ticket::of_profile(txn, profile_id, None, FEW)? {
        (few, None) => {
            for ticket in &few {
                ticket::delete(txn, TicketKey::of(ticket))?;
            }
        }
        (_, Some(_)) => ended_tickets::end_all(txn, profile_id)?,
    }
    Ok(has_many_logins)
}
