//! Why a use case of profiles refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Error;
use crate::service::profile::ProfileRefusal;

/// Why a caller does not get what it asked of profiles. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRequestRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// The profile does not allow it.
    Profile(ProfileRefusal),
}

impl From<ProfileRequestRefusal> for Error<ProfileRequestRefusal> {
    fn from(refusal: ProfileRequestRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AccessRefusal> for Error<ProfileRequestRefusal> {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(ProfileRequestRefusal::Access(refusal))
    }
}

impl From<ProfileRefusal> for Error<ProfileRequestRefusal> {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Refused(ProfileRequestRefusal::Profile(refusal))
    }
}

impl From<Error<AccessRefusal>> for Error<ProfileRequestRefusal> {
    fn from(error: Error<AccessRefusal>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(failure) => failure.into(),
        }
    }
}
