//! Tenants: the groups that profiles, and through them logins, belong to.

pub mod change;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::object_id::ObjectId;

/// The longest names of tenants, roles, attributes, applications and actions that are accepted, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// How many tenants there may be: all of them are kept in memory.
pub const TENANTS_MAX: u64 = 10_000;

/// How many roles a tenant may have.
pub const ROLES_MAX: usize = 1_000;

/// How many attributes a tenant may define.
pub const DEFINITIONS_MAX: usize = 1_000;

/// How long all texts of a tenant may be together, and the JSON of its definitions, in bytes.
pub const TENANT_BYTES_MAX: usize = 1 << 20;

/// The name of a tenant, which is the key in references to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(Arc<str>);

impl TenantName {
    /// The name `text`; `None` if it is empty.
    pub fn new(text: impl Into<Arc<str>>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TenantName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// A tenant, as the wire contract has it ("JSON shapes").
#[derive(Clone, PartialEq, Debug)]
pub struct Tenant {
    /// The id; `name` is the key.
    pub id: ObjectId,
    /// The name.
    pub name: TenantName,
    /// Whether new profiles are verified by mail.
    pub verify_new_profiles: bool,
    /// The roles that its profiles may have.
    pub available_roles: Vec<String>,
    /// Whether single sign-on is enabled.
    pub sso_enabled: bool,
    /// The attributes that its profiles may have.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// Whether attribute values are cleansed.
    pub cleanse_attributes: bool,
}

/// Why a tenant is beyond the limits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantInvalid {
    /// It has more roles than [`ROLES_MAX`].
    TooManyRoles,
    /// It has more attribute definitions than [`DEFINITIONS_MAX`].
    TooManyDefinitions,
    /// The name of a role, an attribute, an application or an action is longer than [`NAME_BYTES_MAX`].
    NameTooLong,
    /// An attribute has no name, or one of white space alone.
    AttributeWithoutName,
    /// It is larger than [`TENANT_BYTES_MAX`].
    TooLarge,
}

impl fmt::Display for TenantInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRoles => write!(formatter, "it would have more than {ROLES_MAX} roles"),
            Self::TooManyDefinitions => write!(
                formatter,
                "it would have more than {DEFINITIONS_MAX} attribute definitions"
            ),
            Self::NameTooLong => {
                write!(
                    formatter,
                    "a name in it is longer than {NAME_BYTES_MAX} bytes"
                )
            }
            Self::AttributeWithoutName => formatter.write_str("an attribute's name is blank"),
            Self::TooLarge => write!(
                formatter,
                "its roles and attribute definitions would take more than {TENANT_BYTES_MAX} bytes"
            ),
        }
    }
}

impl Tenant {
    /// Checks that the tenant is within the limits.
    ///
    /// # Errors
    ///
    /// Which one it is beyond.
    pub fn check(&self) -> Result<(), TenantInvalid> {
        if self.available_roles.len() > ROLES_MAX {
            return Err(TenantInvalid::TooManyRoles);
        }
        if self.attribute_definitions.len() > DEFINITIONS_MAX {
            return Err(TenantInvalid::TooManyDefinitions);
        }
        let mut bytes = 0;
        for name in self.names() {
            if name.len() > NAME_BYTES_MAX {
                return Err(TenantInvalid::NameTooLong);
            }
            bytes += name.len();
        }
        for definition in &self.attribute_definitions {
            if definition.name.trim().is_empty() {
                return Err(TenantInvalid::AttributeWithoutName);
            }
            let json_bytes = |json: serde_json::Result<String>| json.map_or(0, |json| json.len());
            bytes += json_bytes(serde_json::to_string(&definition.metadata));
            bytes += json_bytes(serde_json::to_string(&definition.default_value));
        }
        if bytes > TENANT_BYTES_MAX {
            return Err(TenantInvalid::TooLarge);
        }
        Ok(())
    }

    /// The names of roles, attributes, applications and actions.
    fn names(&self) -> impl Iterator<Item = &String> {
        let definitions = self.attribute_definitions.iter();
        let of_definitions = definitions.flat_map(|definition| {
            let of_permissions = definition.permissions.iter().flat_map(|permission| {
                permission
                    .allowed_actions
                    .iter()
                    .chain([&permission.application])
            });
            of_permissions.chain([&definition.name])
        });
        self.available_roles.iter().chain(of_definitions)
    }

    /// Whether nothing of it was ever set: it is as a new database has its first one.
    pub fn is_plain(&self) -> bool {
        let has_nothing = self.available_roles.is_empty() && self.attribute_definitions.is_empty();
        has_nothing && !self.verify_new_profiles && !self.sso_enabled && self.cleanse_attributes
    }

    /// Whether it defines the attribute with this name.
    pub fn defines(&self, name: &str) -> bool {
        definition(&self.attribute_definitions, name).is_some()
    }

    /// The names of the attributes that have a default value, with the value. A default of null is none.
    pub fn default_values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attribute_definitions.iter().filter_map(|definition| {
            let value = definition.default_value.as_ref()?;
            (!value.is_null()).then_some((definition.name.as_str(), value))
        })
    }
}

/// The definition of one attribute of a tenant's profiles.
#[derive(Clone, PartialEq, Debug)]
pub struct AttributeDefinition {
    /// Which applications may do what with the attribute; an empty list allows nothing.
    pub permissions: Vec<AttributePermission>,
    /// The attribute's name.
    pub name: String,
    /// Any JSON that an application keeps with it.
    pub metadata: Option<Map<String, Value>>,
    /// The value that a profile has unless it has another; `None` for none.
    pub default_value: Option<Value>,
}

/// The definition of the attribute with this name.
pub fn definition<'d>(
    definitions: &'d [AttributeDefinition],
    name: &str,
) -> Option<&'d AttributeDefinition> {
    let mut definitions = definitions.iter();
    definitions.find(|definition| definition.name == name)
}

/// What one application may do with an attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttributePermission {
    /// The names of the actions; `*` is all of them.
    pub allowed_actions: Vec<String>,
    /// The application's name; `*` is any.
    pub application: String,
}
