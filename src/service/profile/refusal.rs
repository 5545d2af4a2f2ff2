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
    /// The JSON of the list would be longer than a list may be.
    ListTooLarge {
        /// How long it may be, in bytes.
        max: usize,
    },
    /// What has to be kept until a list is complete would take more memory than one list may take.
    ListTooLong,
    /// The profiles of a list would have to be looked for among more than a list may take.
    TooManyExamined {
        /// How many it may take.
        max: usize,
    },
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
