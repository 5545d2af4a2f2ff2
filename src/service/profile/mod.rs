//! Profiles: the use cases, one file each, and what other resources depend on.

pub mod attributes;
mod change;
pub mod change_password;
pub mod count;
pub mod create;
pub mod delete;
pub mod enable;
mod limits;
pub mod list;
pub mod read;
pub mod refusal;
pub(super) mod request;
pub mod reset_password;
pub mod roles;
pub mod update;
pub mod verify;
mod visible;

use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Username;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::error::Refusal;
use crate::storage::transaction::Read;
use crate::tables::profile;

/// Which profile a request concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileSelector {
    /// The one with this id, which is the caller's text.
    Id(String),
    /// The tenant's one with this username.
    Username(TenantName, Username),
}

/// Whose login a caller takes it for. What is there must be so of the login; the texts are the caller's.
#[derive(Clone, Default, Debug)]
pub struct ExpectedOwner {
    /// The id of its profile.
    pub profile_id: Option<String>,
    /// The name of its tenant.
    pub tenant: Option<String>,
    /// The username of its profile.
    pub username: Option<String>,
}

impl ExpectedOwner {
    /// Whether the login is theirs.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn is_of(&self, txn: &impl Read, login: &LoginState) -> Result<bool, Failure> {
        let has_profile_id = |text: &String| ObjectId::parse(text) == Some(login.profile_id);
        let has_tenant = |text: &String| text == login.tenant.as_str();
        if !self.profile_id.as_ref().is_none_or(has_profile_id)
            || !self.tenant.as_ref().is_none_or(has_tenant)
        {
            return Ok(false);
        }
        let Some(username) = &self.username else {
            return Ok(true);
        };
        let named = profile::id_by_username(txn, &login.tenant, username)?;
        Ok(named == Some(login.profile_id))
    }
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

impl Refusal for ProfileRefusal {}
