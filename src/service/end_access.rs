//! The access of a profile ends: none of its logins and tickets may be used after the commit that ends them, and no
//! later change of the profile brings them back.
//!
//! Where there are few, they are removed by the transaction itself. Where there are many, it writes one small row, and
//! they are removed by background work.

use crate::audit::event::Event;
use crate::domain::profile::Profile;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login::ended;
use crate::tables::ticket::key::TicketKey;
use crate::tables::{ended_tickets, persistent_login, ticket};

/// How many logins and how many tickets, valid or not, the transaction removes that ends them; more are removed
/// afterwards.
const FEW: usize = 64;

/// Why the access of a profile ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EndReason {
    /// The profile is disabled.
    Disable,
    /// The profile is deleted.
    Delete,
    /// The profile gets another password, or none.
    PasswordChange,
}

impl EndReason {
    const fn event(self) -> Event {
        match self {
            Self::Disable => Event::DisableProfile,
            Self::Delete => Event::DeleteProfile,
            Self::PasswordChange => Event::ChangePassword,
        }
    }
}

/// Ends all logins and tickets that the profile has now, without exception, and records why. It is
/// called within the transaction that changes the profile; the caller records nothing else for this change.
///
/// # Errors
///
/// Failures of the storage.
pub(super) fn end_access(
    txn: &WriteTxn,
    context: &OpContext,
    profile: &Profile,
    reason: EndReason,
) -> Result<(), Failure> {
    let profile_id = profile.id;
    match persistent_login::of_profile(txn, profile_id, FEW)? {
        Some(few) => {
            for login in few {
                persistent_login::delete(txn, &login)?;
            }
        }
        None => ended::end_all(txn, profile_id, None)?,
    }
    match ticket::of_profile(txn, profile_id, None, FEW)? {
        (few, None) => {
            for ticket in &few {
                ticket::delete(txn, TicketKey::of(ticket))?;
            }
        }
        (_, Some(_)) => ended_tickets::end_all(txn, profile_id)?,
    }
    context.record_subject(txn, reason.event(), profile.into());
    Ok(())
}
