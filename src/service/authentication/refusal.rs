//! Why a sign-in is refused.

use std::time::Duration;

use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;
use crate::service::profile::ProfileRefusal;

/// Why a user does not sign in. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthenticationRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// The profile does not allow it.
    Profile(ProfileRefusal),
    /// There is no such user, or it has another password.
    BadCredentials,
    /// The profile is locked after too many failures.
    Locked {
        /// For how long still; not zero.
        left: Duration,
    },
}

impl Refusal for AuthenticationRefusal {}

impl From<AccessRefusal> for AuthenticationRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}

impl From<ProfileRefusal> for AuthenticationRefusal {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Profile(refusal)
    }
}
