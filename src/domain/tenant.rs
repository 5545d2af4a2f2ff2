//! Tenants: the groups that profiles, and through them logins, belong to.

use std::fmt;
use std::sync::Arc;

use crate::domain::object_id::ObjectId;

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

/// The definition of one attribute of a tenant's profiles.
#[derive(Clone, PartialEq, Debug)]
pub struct AttributeDefinition {
    /// Which applications may do what with the attribute; an empty list allows nothing.
    pub permissions: Vec<AttributePermission>,
    /// The attribute's name.
    pub name: String,
    /// Any JSON that an application keeps with it.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// The value that a profile has unless it has another; `None` for none.
    pub default_value: Option<serde_json::Value>,
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
