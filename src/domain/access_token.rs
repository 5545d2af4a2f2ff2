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
}

/// What an access token allows on a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantPermission {
    /// The names of the actions; `*` is all of them.
    pub allowed_actions: Vec<String>,
    /// The tenant's name; `*` is any.
    pub tenant: String,
}

/// The names of all actions in the wire contract ("Permissions and order of checks"). Those of resources that are not
/// served are never asked for.
pub const ACTION_NAMES: [&str; 9] = [
    TenantAction::ManageTickets.name(),
    TenantAction::ManageProfiles.name(),
    "CREATE_TENANT",
    "READ_TENANT",
    "UPDATE_TENANT",
    "DELETE_TENANT",
    "CREATE_TOKEN",
    "READ_TOKEN",
    "DELETE_TOKEN",
];

/// What an access token can allow on a tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TenantAction {
    /// Everything with profiles.
    ManageProfiles,
    /// Reading the tenant.
    ReadTenant,
    /// Everything with tickets and persistent logins.
    ManageTickets,
}

impl TenantAction {
    /// The action's name in permissions and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ManageProfiles => "MANAGE_PROFILES",
            Self::ReadTenant => "READ_TENANT",
            Self::ManageTickets => "MANAGE_TICKETS",
        }
    }
}

impl AccessToken {
    /// Whether the token has expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_on.is_some_and(|expiry| now >= expiry)
    }

    /// Whether the token allows `action` on `tenant`: the first entry for the tenant or for `*`
    /// decides, later ones are ignored.
    pub fn allows(&self, action: TenantAction, tenant: &str) -> bool {
        self.tenant_permissions
            .iter()
            .find(|permission| permission.tenant == "*" || permission.tenant == tenant)
            .is_some_and(|permission| {
                permission
                    .allowed_actions
                    .iter()
                    .any(|allowed| allowed == "*" || allowed == action.name())
            })
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
