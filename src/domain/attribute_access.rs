//! Which application may do what with an attribute (wire contract, "Permissions and order of checks").

use crate::domain::access_token::{ANY, AccessToken};
use crate::domain::tenant::{AttributeDefinition, TenantName, definition};

/// What a definition can allow on its attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttributeAction {
    /// Reading it.
    Read,
    /// Setting it.
    Write,
    /// Removing it.
    Remove,
}

impl AttributeAction {
    /// The action's name in permissions and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "READ_ATTRIBUTE",
            Self::Write => "WRITE_ATTRIBUTE",
            Self::Remove => "REMOVE_ATTRIBUTE",
        }
    }
}

impl AttributeDefinition {
    /// Whether the application of `caller` may do `action` with the attribute: the first permission for it or for `*`
    /// decides, later ones are ignored.
    pub fn allows(&self, action: AttributeAction, caller: &AccessToken) -> bool {
        if caller.has_all_attributes {
            return true;
        }
        self.permissions
            .iter()
            .find(|permission| {
                permission.application == ANY || permission.application == caller.application
            })
            .is_some_and(|permission| {
                let mut allowed = permission.allowed_actions.iter();
                allowed.any(|allowed| allowed == ANY || allowed == action.name())
            })
    }
}

/// Why something may not be done with attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttributeRefusal {
    /// The tenant does not define one of them.
    NotDefined {
        /// The attribute's name.
        name: String,
        /// The tenant's name.
        tenant: String,
    },
    /// The application may not do it with one of them.
    Denied {
        /// The name of the action.
        action: &'static str,
        /// The attribute's name.
        name: String,
    },
}

/// Refuses `caller` unless the tenant with these definitions lets its application do `action` with every one of the
/// attributes with these names.
///
/// # Errors
///
/// What is wrong with the first of them that is refused.
pub fn require<'n>(
    tenant: &TenantName,
    definitions: &[AttributeDefinition],
    names: impl IntoIterator<Item = &'n str>,
    action: AttributeAction,
    caller: &AccessToken,
) -> Result<(), AttributeRefusal> {
    for name in names {
        let Some(definition) = definition(definitions, name) else {
            return Err(AttributeRefusal::NotDefined {
                name: name.to_owned(),
                tenant: tenant.as_str().to_owned(),
            });
        };
        if !definition.allows(action, caller) {
            return Err(AttributeRefusal::Denied {
                action: action.name(),
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::AttributePermission;

    fn definition(permissions: &[(&str, &[&str])]) -> AttributeDefinition {
        let permissions = permissions
            .iter()
            .map(|(application, actions)| AttributePermission {
                allowed_actions: actions.iter().map(|&action| action.to_owned()).collect(),
                application: (*application).to_owned(),
            });
        AttributeDefinition {
            permissions: permissions.collect(),
            name: "color".to_owned(),
            metadata: None,
            default_value: None,
        }
    }

    fn caller(application: &str) -> AccessToken {
        AccessToken {
            application: application.to_owned(),
            has_all_attributes: false,
            ..AccessToken::local_operator()
        }
    }

    #[test]
    fn the_first_matching_permission_decides() {
        let narrow_first = definition(&[("shop", &["READ_ATTRIBUTE"]), ("*", &["*"])]);
        assert!(narrow_first.allows(AttributeAction::Read, &caller("shop")));
        assert!(!narrow_first.allows(AttributeAction::Write, &caller("shop")));
        assert!(narrow_first.allows(AttributeAction::Write, &caller("blog")));
        let any_first = definition(&[("*", &[]), ("shop", &["*"])]);
        assert!(!any_first.allows(AttributeAction::Read, &caller("shop")));
        let other = definition(&[("shop", &["WRITE_ATTRIBUTE", "remove_attribute"])]);
        assert!(!other.allows(AttributeAction::Write, &caller("Shop")));
        assert!(!other.allows(AttributeAction::Remove, &caller("shop")));
    }

    #[test]
    fn a_definition_without_permissions_denies_everyone_but_the_local_operator() {
        let denying = definition(&[]);
        let operator = AccessToken::local_operator();
        assert!(!denying.allows(AttributeAction::Read, &caller("shop")));
        assert!(!denying.allows(AttributeAction::Read, &caller(&operator.application)));
        assert!(denying.allows(AttributeAction::Write, &operator));
    }
}
