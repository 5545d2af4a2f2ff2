//! Why a use case of persistent logins refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;
use crate::service::profile::ProfileRefusal;

/// Why a caller does not get what it asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PersistentLoginRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// The profile does not allow it.
    Profile(ProfileRefusal),
    /// No persistent login that is still valid has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
    /// The token that was presented was never one of the login, or is too old to be known.
    TokenUnknown,
    /// The token that was presented had been used before.
    TokenReused {
        /// What was revoked for it.
        revoked: Revoked,
    },
}

/// What is revoked when a token turns out to have been used before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revoked {
    /// The login.
    Login,
    /// Every login of its profile.
    Profile,
    /// Nothing.
    Nothing,
}

impl Refusal for PersistentLoginRefusal {}

impl From<AccessRefusal> for PersistentLoginRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}

impl From<ProfileRefusal> for PersistentLoginRefusal {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Profile(refusal)
    }
}
