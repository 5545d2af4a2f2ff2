//! Why a use case of access tokens refuses.

use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;

/// Why a caller does not get what it asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessTokenRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// No access token has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
    /// An access token has this id already.
    Exists {
        /// The id as the caller gave it.
        id: String,
    },
}

impl Refusal for AccessTokenRefusal {}

impl From<AccessRefusal> for AccessTokenRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}
