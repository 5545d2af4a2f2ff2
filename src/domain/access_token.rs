//! Access tokens: which application may do what on which tenant.

use std::fmt;

use crate::clock::Timestamp;

/// The secret that authenticates an application. `Debug` shows nothing. It has no `==`, because it is looked up
/// by its digest.
#[derive(Clone)]
pub struct AccessTokenId(String);

impl AccessTokenId {
    /// The id `text`; `None` if it is empty.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// An id made of 256 random bits: 64 hexadecimal digits.
    pub fn random(bits: [u8; 32]) -> Self {
        Self(bits.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The secret itself, to be digested or returned to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessTokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessTokenId(..)")
    }
}

/// An access token, as the wire contract has it ("JSON shapes"), without its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessToken {
    /// The application that it was issued to.
    pub application: String,
    /// Whether it may manage access tokens.
    pub master: bool,
    /// What it allows. The first entry that matches a tenant decides.
    pub tenant_permissions: Vec<TenantPermission>,
    /// When it expires; `None` for never.
    pub expires_on: Option<Timestamp>,
    /// Whether it may do everything with every attribute, whatever the definitions say. No stored one may.
    pub has_all_attributes: bool,
}

/// What an access token allows on a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantPermission {
    /// The names of the actions; `*` is all of them.
    pub allowed_actions: Vec<String>,
    /// The tenant's name; `*` is any.
    pub tenant: String,
}

/// What stands for every action in a permission, or for every tenant.
pub const ANY: &str = "*";

/// The names of all actions in the wire contract ("Permissions and order of checks").
pub const ACTION_NAMES: [&str; 9] = [
    TenantAction::ManageTickets.name(),
    TenantAction::ManageProfiles.name(),
    TenantAction::CreateTenant.name(),
    TenantAction::ReadTenant.name(),
    TenantAction::UpdateTenant.name(),
    TenantAction::DeleteTenant.name(),
    TokenAction::Create.name(),
    TokenAction::Read.name(),
    TokenAction::Delete.name(),
];

/// What an access token can allow on a tenant, or on all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TenantAction {
    /// Everything with profiles.
    ManageProfiles,
    /// Everything with tickets and persistent logins.
    ManageTickets,
    /// Creating tenants; a global action.
    CreateTenant,
    /// Reading the tenant; a global action where it concerns all of them.
    ReadTenant,
    /// Changing the tenant.
    UpdateTenant,
    /// Deleting the tenant.
    DeleteTenant,
}

impl TenantAction {
    /// The action's name in permissions and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ManageProfiles => "MANAGE_PROFILES",
            Self::ManageTickets => "MANAGE_TICKETS",
            Self::CreateTenant => "CREATE_TENANT",
            Self::ReadTenant => "READ_TENANT",
            Self::UpdateTenant => "UPDATE_TENANT",
            Self::DeleteTenant => "DELETE_TENANT",
        }
    }
}

/// What is done with access tokens. Only [`AccessToken::master`] allows it; no permission does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenAction {
    /// Creating them.
    Create,
    /// Reading one, or all of them.
    Read,
    /// Deleting one.
    Delete,
}

impl TokenAction {
    /// The action's name in refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE_TOKEN",
            Self::Read => "READ_TOKEN",
            Self::Delete => "DELETE_TOKEN",
        }
    }
}

/// The name of the [local operator](AccessToken::local_operator) where an application would have its own.
const LOCAL_OPERATOR: &str = "local operator";

impl AccessToken {
    /// What the operator of the host may do, who can use the data directory: everything. It is stored nowhere.
    pub fn local_operator() -> Self {
        Self {
            application: LOCAL_OPERATOR.to_owned(),
            master: true,
            tenant_permissions: vec![TenantPermission {
                allowed_actions: vec![ANY.to_owned()],
                tenant: ANY.to_owned(),
            }],
            expires_on: None,
            has_all_attributes: true,
        }
    }

    /// Whether the token has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_on.is_some_and(|expiry| now >= expiry)
    }

    /// Whether the token allows `action` on `tenant`: the first entry for the tenant or for `*`
    /// decides, later ones are ignored.
    pub fn allows(&self, action: TenantAction, tenant: &str) -> bool {
        let mut permissions = self.tenant_permissions.iter();
        permissions
            .find(|permission| permission.tenant == ANY || permission.tenant == tenant)
            .is_some_and(|permission| permission.allows(action))
    }

    /// Whether the token allows `action` on all tenants: the first entry for `*` decides, wherever it stands.
    pub fn allows_globally(&self, action: TenantAction) -> bool {
        let mut permissions = self.tenant_permissions.iter();
        permissions
            .find(|permission| permission.tenant == ANY)
            .is_some_and(|permission| permission.allows(action))
    }
}

impl TenantPermission {
    fn allows(&self, action: TenantAction) -> bool {
        let mut allowed = self.allowed_actions.iter();
        allowed.any(|allowed| allowed == ANY || allowed == action.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(permissions: &[(&str, &[&str])]) -> AccessToken {
        AccessToken {
            application: "shop".to_owned(),
            master: false,
            tenant_permissions: permissions
                .iter()
                .map(|(tenant, actions)| TenantPermission {
                    allowed_actions: actions.iter().map(|&action| action.to_owned()).collect(),
                    tenant: (*tenant).to_owned(),
                })
                .collect(),
            expires_on: Some(Timestamp::from_millis(1_000)),
            has_all_attributes: false,
        }
    }

    #[test]
    fn the_first_matching_permission_decides() {
        let narrow_first = token(&[("a", &["MANAGE_PROFILES"]), ("*", &["*"])]);
        assert!(!narrow_first.allows(TenantAction::ManageTickets, "a"));
        assert!(narrow_first.allows(TenantAction::ManageProfiles, "a"));
        assert!(narrow_first.allows(TenantAction::ManageTickets, "b"));
        let any_first = token(&[("*", &[]), ("a", &["*"])]);
        assert!(!any_first.allows(TenantAction::ManageTickets, "a"));
        assert!(!token(&[]).allows(TenantAction::ManageTickets, "a"));
    }

    #[test]
    fn a_global_action_is_decided_by_the_first_entry_for_every_tenant() {
        let action = TenantAction::CreateTenant;
        assert!(token(&[("a", &[]), ("*", &["CREATE_TENANT"])]).allows_globally(action));
        assert!(token(&[("*", &["*"]), ("*", &[])]).allows_globally(action));
        assert!(!token(&[("*", &[]), ("*", &["*"])]).allows_globally(action));
        assert!(!token(&[("*", &["create_tenant"])]).allows_globally(action));
        assert!(!token(&[("a", &["*"])]).allows_globally(action));
    }

    #[test]
    fn expires_at_its_moment() {
        let token = token(&[]);
        assert!(!token.is_expired(Timestamp::from_millis(999)));
        assert!(token.is_expired(Timestamp::from_millis(1_000)));
    }

    #[test]
    fn debug_shows_no_secret() {
        let id = AccessTokenId::new("secret").expect("not empty");
        assert!(!format!("{id:?}").contains("secret"));
        assert_eq!(AccessTokenId::random([0xA5; 32]).reveal(), "a5".repeat(32));
    }
}
