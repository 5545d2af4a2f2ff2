//! Profiles: the people who log in.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::tenant::TenantName;

/// A profile, as the wire contract has it ("JSON shapes"), with the password hash, which is never returned.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// The id.
    pub id: ObjectId,
    /// The name to log in with, unique in the tenant.
    pub username: String,
    /// The password's hash; `None` for a profile that cannot log in with one.
    pub password: Option<PasswordHash>,
    /// The mail address.
    pub email: String,
    /// Whether the mail address was verified.
    pub verified: bool,
    /// Whether the profile may log in.
    pub enabled: bool,
    /// When it was created.
    pub created_on: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its attributes: any JSON, by name.
    pub attributes: Map<String, Value>,
}

impl Profile {
    /// The part that the checks of a login's creation need.
    pub fn status(&self) -> ProfileStatus {
        ProfileStatus {
            enabled: self.enabled,
            tenant: self.tenant.clone(),
        }
    }
}

/// The part of a profile that creating and listing logins depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileStatus {
    /// Whether the profile may log in.
    pub enabled: bool,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
}
