//! Why a use case of tickets refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;
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

impl Refusal for TicketRefusal {}

impl From<AccessRefusal> for TicketRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}

impl From<ProfileRefusal> for TicketRefusal {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Profile(refusal)
    }
}
