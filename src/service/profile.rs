//! Profiles, as far as other resources depend on them.

use crate::domain::profile::Username;
use crate::domain::tenant::TenantName;

/// Which profile a request concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileSelector {
    /// The one with this id, which is the caller's text.
    Id(String),
    /// The tenant's one with this username.
    Username(TenantName, Username),
}

/// Why a profile does not serve what was asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRefusal {
    /// No profile has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
    /// The tenant has no profile with this username.
    NoSuchUsername {
        /// The name of the tenant.
        tenant: String,
        /// The username.
        username: String,
    },
    /// There is no tenant in which a profile could be created.
    NoSuchTenant {
        /// The name.
        name: String,
    },
    /// The profile exists and is disabled.
    Disabled {
        /// The profile's id.
        id: String,
        /// The name of the profile's tenant.
        tenant: String,
    },
}
