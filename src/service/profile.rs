//! Profiles, as far as other resources depend on them.

/// Why a profile does not serve what was asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRefusal {
    /// No profile has this id.
    NotFound {
        /// The id as the caller gave it.
        id: String,
    },
    /// The profile exists and is disabled.
    Disabled {
        /// The profile's id.
        id: String,
        /// The name of the profile's tenant.
        tenant: String,
    },
}
