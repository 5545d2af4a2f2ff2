//! Why a sign-in is refused.

use std::time::Duration;

use crate::service::caller::AccessRefusal;
use crate::service::error::Error;
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

impl From<AuthenticationRefusal> for Error<AuthenticationRefusal> {
    fn from(refusal: AuthenticationRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AccessRefusal> for Error<AuthenticationRefusal> {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(AuthenticationRefusal::Access(refusal))
    }
}

impl From<ProfileRefusal> for Error<AuthenticationRefusal> {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Refused(AuthenticationRefusal::Profile(refusal))
    }
}

impl From<Error<AccessRefusal>> for Error<AuthenticationRefusal> {
    fn from(error: Error<AccessRefusal>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(failure) => failure.into(),
        }
    }
}
