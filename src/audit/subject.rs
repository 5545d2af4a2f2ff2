//! What an event happened to, and who asked for it.

use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::profile::Profile;
use crate::domain::tenant::TenantName;
use crate::request_id::RequestId;

/// What an event says of a login.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AuditedLogin {
    /// The login.
    pub id: PersistentLoginId,
    /// The name of its tenant.
    pub tenant: TenantName,
    /// Its profile.
    pub profile_id: ObjectId,
}

impl From<&LoginState> for AuditedLogin {
    fn from(login: &LoginState) -> Self {
        Self {
            id: login.id,
            tenant: login.tenant.clone(),
            profile_id: login.profile_id,
        }
    }
}

/// What an event other than that of a login happened to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// A profile, or the sign-in of its user.
    Profile {
        /// The name of its tenant.
        tenant: TenantName,
        /// Its id.
        id: ObjectId,
    },
    /// A tenant, or a sign-in there of a user that it does not have.
    Tenant(TenantName),
    /// All tenants together.
    Database,
    /// An access token.
    AccessToken {
        /// The digest of its id, of which only a fingerprint is logged.
        digest: [u8; 32],
        /// The application that it was issued to.
        issued_to: String,
    },
    /// Documents of a collection.
    Documents {
        /// The name of the collection.
        collection: &'static str,
        /// How many they are; `None` if it is the whole collection.
        count: Option<u64>,
    },
    /// The backup in the file with this path.
    Backup(String),
}

impl From<&Profile> for Subject {
    fn from(profile: &Profile) -> Self {
        Self::Profile {
            tenant: profile.tenant.clone(),
            id: profile.id,
        }
    }
}

/// Who asked for what happened, and in which request; both are `None` if the server acted by itself.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The application that the caller's access token was issued to.
    pub application: Option<&'a str>,
    /// The id that the request's line in the log has too.
    pub request_id: Option<RequestId>,
}
