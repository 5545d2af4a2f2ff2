//! Why a use case of verification tokens refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;

/// Why a caller does not get what it asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VerificationTokenRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// No verification token that is still valid has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
}

impl Refusal for VerificationTokenRefusal {}

impl From<AccessRefusal> for VerificationTokenRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}
