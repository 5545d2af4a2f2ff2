//! The access of a profile ends: none of its logins and tickets may be used after the commit that ends them, and no
//! later change of the profile brings them back.

use crate::audit::event::Event;
use crate::domain::profile::Profile;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::access;

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
    access::end(txn, profile.id)?;
    context.record_subject(txn, reason.event(), profile.into());
    Ok(())
}
