//! Why a use case of tenants refuses.

use crate::domain::tenant::TenantInvalid;
use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;

/// Why a caller does not get what it asked of tenants. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// No tenant has this name.
    NotFound {
        /// The name.
        name: String,
    },
    /// A tenant has this name already.
    Exists {
        /// The name.
        name: String,
    },
    /// The tenant would be beyond the limits.
    Invalid(TenantInvalid),
    /// There are as many tenants as there may be.
    TooManyTenants,
    /// Earlier changes are still being carried out on the tenant's profiles.
    TooManyChanges,
}

impl Refusal for TenantRefusal {}

impl From<AccessRefusal> for TenantRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}
