//! The entries of a seed file: JSON in which each list is optional.
//!
//! Ids may be text or `{"$oid": …}`, and dates epoch milliseconds or `{"$date": …}`, so that the output of a
//! MongoDB export can be used as it is. Unknown fields are refused, because a misspelled one would otherwise be
//! ignored silently.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::clock::{Timestamp, date};

/// The lists of a seed file.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(field_identifier, rename_all = "lowercase")]
pub enum List {
    /// Access tokens.
    AccessToken,
    /// Tenants.
    Tenant,
    /// Profiles.
    Profile,
    /// Persistent logins.
    PersistentLogin,
    /// Tickets.
    Ticket,
    /// Verification tokens.
    VerificationToken,
}

impl List {
    /// All of them, each after those that its entries refer to.
    pub const ALL: [Self; 6] = [
        Self::Tenant,
        Self::Profile,
        Self::PersistentLogin,
        Self::Ticket,
        Self::VerificationToken,
        Self::AccessToken,
    ];

    /// The list of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }

    /// Its name in the file, and that of its collection in an export.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "accesstoken",
            Self::Tenant => "tenant",
            Self::Profile => "profile",
            Self::PersistentLogin => "persistentlogin",
            Self::Ticket => "ticket",
            Self::VerificationToken => "verificationtoken",
        }
    }
}

/// An entry of one of the lists.
#[derive(Debug)]
pub enum Entry {
    /// An access token.
    AccessToken(AccessTokenEntry),
    /// A tenant.
    Tenant(TenantEntry),
    /// A profile.
    Profile(ProfileEntry),
    /// A persistent login.
    PersistentLogin(PersistentLoginEntry),
    /// A ticket.
    Ticket(TicketEntry),
    /// A verification token.
    VerificationToken(VerificationTokenEntry),
}

/// An access token.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessTokenEntry {
    /// The secret; generated if missing.
    #[serde(rename = "_id", default)]
    pub id: Option<Id>,
    /// The application.
    pub application: String,
    /// Whether it may manage access tokens.
    #[serde(default)]
    pub master: bool,
    /// What it allows.
    #[serde(default)]
    pub tenant_permissions: Vec<TenantPermissionEntry>,
    /// When it expires.
    #[serde(default)]
    pub expires_on: Option<Date>,
}

/// What an access token allows on a tenant.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPermissionEntry {
    /// The tenant, or `*`.
    pub tenant: String,
    /// The actions, or `*`.
    pub allowed_actions: Vec<String>,
}

/// A tenant.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantEntry {
    /// The id; generated if missing.
    #[serde(rename = "_id", default)]
    pub id: Option<Id>,
    /// The name.
    pub name: String,
    /// Whether new profiles are verified by mail.
    #[serde(default)]
    pub verify_new_profiles: bool,
    /// The roles.
    #[serde(default)]
    pub available_roles: Vec<String>,
    /// Whether single sign-on is enabled.
    #[serde(default)]
    pub sso_enabled: bool,
    /// The attributes.
    #[serde(default)]
    pub attribute_definitions: Vec<AttributeDefinitionEntry>,
    /// Whether attribute values are cleansed.
    #[serde(default = "yes")]
    pub cleanse_attributes: bool,
}

/// The definition of an attribute of a tenant's profiles.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeDefinitionEntry {
    /// Who may do what with it.
    #[serde(default)]
    pub permissions: Vec<AttributePermissionEntry>,
    /// The attribute's name.
    pub name: String,
    /// Any JSON.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The value of a profile that has no other.
    #[serde(default)]
    pub default_value: Option<Value>,
}

/// What an application may do with an attribute.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributePermissionEntry {
    /// The actions, or `*`.
    pub allowed_actions: Vec<String>,
    /// The application, or `*`.
    pub application: String,
}

/// A profile.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileEntry {
    /// The id; generated if missing.
    #[serde(rename = "_id", default)]
    pub id: Option<Id>,
    /// The username.
    pub username: String,
    /// The password's hash, as `base64(h)|base64(salt)` or `$argon2id$…`.
    #[serde(default)]
    pub password: Option<String>,
    /// The mail address.
    #[serde(default)]
    pub email: String,
    /// Whether the address was verified.
    #[serde(default)]
    pub verified: bool,
    /// Whether the profile may log in.
    pub enabled: bool,
    /// When it was created; now if missing.
    #[serde(default)]
    pub created_on: Option<Date>,
    /// When it was last changed; now if missing.
    #[serde(default)]
    pub last_modified: Option<Date>,
    /// The name of its tenant.
    pub tenant: String,
    /// Its roles.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Its attributes.
    #[serde(default)]
    pub attributes: Option<Map<String, Value>>,
}

/// A persistent login.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersistentLoginEntry {
    /// The id, a UUID; generated if missing.
    #[serde(rename = "_id", default)]
    pub id: Option<Id>,
    /// The name of its tenant.
    pub tenant: String,
    /// The id of the profile that is logged in.
    pub profile_id: Id,
    /// The secret, a UUID.
    pub token: String,
    /// When it was created; now if missing.
    #[serde(default)]
    pub timestamp: Option<Date>,
}

/// A ticket.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TicketEntry {
    /// The secret, a UUID.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The name of its tenant.
    pub tenant: String,
    /// The id of the profile that is signed in.
    pub profile_id: Id,
    /// When it was last requested; now if missing.
    #[serde(default)]
    pub last_request_time: Option<Date>,
}

/// A verification token.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationTokenEntry {
    /// The secret, a UUID.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The name of its tenant.
    pub tenant: String,
    /// The id of the profile whose address it verifies.
    pub profile_id: Id,
    /// When it was created; now if missing.
    #[serde(default)]
    pub timestamp: Option<Date>,
}

/// An id: text, or `{"$oid": …}`.
#[derive(Clone, Debug)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match sole_field(&value, "$oid").unwrap_or(&value) {
            Value::String(text) => Ok(Self(text.clone())),
            _ => Err(D::Error::custom(
                "an id must be text or {\"$oid\": \"text\"}",
            )),
        }
    }
}

/// A date: epoch milliseconds, ISO-8601 text, or `{"$date": …}` with one of these or `{"$numberLong": "…"}`.
#[derive(Clone, Copy, Debug)]
pub struct Date(pub Timestamp);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let date = sole_field(&value, "$date").unwrap_or(&value);
        let date = sole_field(date, "$numberLong").unwrap_or(date);
        let date = match date {
            Value::String(text) => date::parse(text),
            other => other.as_i64().map(Timestamp::from_millis),
        };
        date.map(Self).ok_or_else(|| {
            D::Error::custom(
                "a date must be epoch milliseconds or ISO-8601 text, also as {\"$date\": …}",
            )
        })
    }
}

fn sole_field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    fields.get(name).filter(|_| fields.len() == 1)
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_dates_are_parsed_in_every_form() {
        let dates = [
            "1495665332589",
            r#""2017-05-24T22:35:32.589Z""#,
            r#"{"$date": 1495665332589}"#,
            r#"{"$date": "2017-05-24T22:35:32.589Z"}"#,
            r#"{"$date": "2017-05-25T00:35:32.589+02:00"}"#,
            r#"{"$date": {"$numberLong": "1495665332589"}}"#,
        ];
        for date in dates {
            let Date(read) = serde_json::from_str(date).expect(date);
            assert_eq!(read, Timestamp::from_millis(1_495_665_332_589), "{date}");
        }
        for id in [r#""x""#, r#"{"$oid": "x"}"#] {
            let Id(read) = serde_json::from_str(id).expect(id);
            assert_eq!(read, "x");
        }
    }
}
