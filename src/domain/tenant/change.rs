//! How a tenant is created and changed, and how its profiles follow (wire contract, "Profiles, attributes, tenants").

use crate::domain::object_id::ObjectId;
use crate::domain::sweep::Sweep;
use crate::domain::tenant::{AttributeDefinition, Tenant, TenantInvalid, TenantName};

/// A tenant as a caller describes it: its id is not the caller's.
#[derive(Clone, PartialEq, Debug)]
pub struct TenantInput {
    /// See [`Tenant::name`].
    pub name: TenantName,
    /// See [`Tenant::verify_new_profiles`].
    pub verify_new_profiles: bool,
    /// See [`Tenant::available_roles`].
    pub available_roles: Vec<String>,
    /// See [`Tenant::sso_enabled`].
    pub sso_enabled: bool,
    /// See [`Tenant::attribute_definitions`].
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// See [`Tenant::cleanse_attributes`].
    pub cleanse_attributes: bool,
}

impl TenantInput {
    /// The tenant with this id. Of roles and definitions that are there more than once, the first ones count.
    ///
    /// # Errors
    ///
    /// If it is beyond the limits.
    pub fn tenant(&self, id: ObjectId) -> Result<Tenant, TenantInvalid> {
        let mut tenant = Tenant {
            id,
            name: self.name.clone(),
            verify_new_profiles: self.verify_new_profiles,
            available_roles: Vec::new(),
            sso_enabled: self.sso_enabled,
            attribute_definitions: Vec::new(),
            cleanse_attributes: self.cleanse_attributes,
        };
        add_roles(&mut tenant, &self.available_roles);
        add_definitions(&mut tenant, &self.attribute_definitions);
        tenant.check()?;
        Ok(tenant)
    }
}

/// A change of a tenant that exists.
#[derive(Clone, PartialEq, Debug)]
pub enum TenantChange {
    /// It becomes what the input describes. Profiles lose the roles and attributes that it does not have any more, and
    /// get the defaults of all attributes.
    Replace(Box<TenantInput>),
    /// Whether new profiles are verified.
    VerifyNewProfiles(bool),
    /// Roles that it has, too.
    AddRoles(Vec<String>),
    /// Roles that it does not have any more. Profiles lose them, whether the tenant had them or not.
    RemoveRoles(Vec<String>),
    /// Definitions of attributes that it does not define yet. Profiles get the defaults of all attributes.
    AddDefinitions(Vec<AttributeDefinition>),
    /// Definitions that replace those of the same attributes; those of others are ignored.
    UpdateDefinitions(Vec<AttributeDefinition>),
    /// The names of attributes that it does not define any more. Profiles lose them.
    RemoveDefinitions(Vec<String>),
}

impl TenantChange {
    /// The tenant with the change, and how its profiles follow.
    ///
    /// # Errors
    ///
    /// If it would be beyond the limits.
    pub fn apply(&self, tenant: &Tenant) -> Result<(Tenant, Sweep), TenantInvalid> {
        let mut changed = tenant.clone();
        let mut sweep = Sweep::default();
        match self {
            Self::Replace(input) => {
                changed = input.tenant(tenant.id)?;
                let roles = tenant.available_roles.iter();
                let lost = roles.filter(|role| !changed.available_roles.contains(role));
                sweep.removed_roles.extend(lost.cloned());
                let names = tenant.attribute_definitions.iter().map(|found| &found.name);
                let lost = names.filter(|name| !changed.defines(name));
                sweep.removed_attributes.extend(lost.cloned());
                sweep.defaults = changed.default_values().collect();
            }
            Self::VerifyNewProfiles(verify) => changed.verify_new_profiles = *verify,
            Self::AddRoles(roles) => add_roles(&mut changed, roles),
            Self::RemoveRoles(roles) => {
                changed.available_roles.retain(|role| !roles.contains(role));
                sweep.removed_roles.clone_from(roles);
            }
            Self::AddDefinitions(definitions) => {
                add_definitions(&mut changed, definitions);
                sweep.defaults = changed.default_values().collect();
            }
            Self::UpdateDefinitions(definitions) => {
                for definition in definitions {
                    let mut found = changed.attribute_definitions.iter_mut();
                    if let Some(found) = found.find(|found| found.name == definition.name) {
                        found.clone_from(definition);
                    }
                }
            }
            Self::RemoveDefinitions(names) => {
                let definitions = &mut changed.attribute_definitions;
                definitions.retain(|definition| !names.contains(&definition.name));
                sweep.removed_attributes.clone_from(names);
            }
        }
        changed.check()?;
        Ok((changed, sweep))
    }
}

fn add_roles(tenant: &mut Tenant, roles: &[String]) {
    for role in roles {
        if !tenant.available_roles.contains(role) {
            tenant.available_roles.push(role.clone());
        }
    }
}

fn add_definitions(tenant: &mut Tenant, definitions: &[AttributeDefinition]) {
    for definition in definitions {
        if !tenant.defines(&definition.name) {
            tenant.attribute_definitions.push(definition.clone());
        }
    }
}
