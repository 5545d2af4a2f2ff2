//! Why a use case of tickets refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Error;
use crate::service::profile::ProfileRefusal;

/// Why a caller does not get what it asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TicketRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// The profile does not allow it.
    Profile(ProfileRefusal),
    /// No ticket that is still valid has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
}

impl From<TicketRefusal> for Error<TicketRefusal> {
    fn from(refusal: TicketRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AccessRefusal> for Error<TicketRefusal> {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(TicketRefusal::Access(refusal))
    }
}

impl From<ProfileRefusal> for Error<TicketRefusal> {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Refused(TicketRefusal::Profile(refusal))
    }
}

impl From<Error<AccessRefusal>> for Error<TicketRefusal> {
    fn from(error: Error<AccessRefusal>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(failure) => failure.into(),
        }
    }
}
