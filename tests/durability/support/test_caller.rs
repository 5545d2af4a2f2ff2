//! The callers of the model: what the access token of each of them allows.

use rememberd::testing::{
    AccessToken, AccessTokenId, Caller, Failure, TenantPermission, Timestamp, WriteTxn,
    tables::access_token::{self, DigestedId, SealedId},
};

use crate::support;

/// The expiry of [`TestCaller::Expiring`]: early enough that a run uses the token before and after it.
pub const TOKEN_EXPIRY: Timestamp = Timestamp::from_millis(1_700_001_800_000);
pub const TOKEN_EXPIRY_DAY: &str = "11/14/2023";

/// The access token of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TestCaller {
    /// Allows everything.
    Master,
    /// Allows everything until it expires.
    Expiring,
    /// Allows MANAGE_TICKETS on the tenant `default`.
    Tickets,
    /// Allows everything on the tenant `acme`.
    Acme,
    /// Has an entry that allows MANAGE_PROFILES on the tenant `default`, before one that allows everything
    /// on any tenant: the first entry that matches applies.
    Narrow,
    /// An id that does not exist.
    Unknown,
    /// An empty id.
    Empty,
    /// No id.
    Missing,
}

impl TestCaller {
    pub const WITH_TOKEN: [Self; 5] = [
        Self::Master,
        Self::Expiring,
        Self::Tickets,
        Self::Acme,
        Self::Narrow,
    ];
    pub const OTHERS: [Self; 7] = [
        Self::Expiring,
        Self::Tickets,
        Self::Acme,
        Self::Narrow,
        Self::Unknown,
        Self::Empty,
        Self::Missing,
    ];

    pub fn id(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Empty => Some(String::new()),
            other => Some(format!("token of {other:?}")),
        }
    }

    pub fn caller(self) -> Caller {
        Caller::new(self.id())
    }

    /// Puts the access token.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn put_token(self, txn: &WriteTxn) -> Result<(), Failure> {
        let id = self.id().and_then(AccessTokenId::new);
        let id = DigestedId::new(id.expect("it has an id"));
        // No test opens it.
        let sealed = SealedId::seal(&support::keys(), [0; 12], &id);
        access_token::put(txn, &id, &sealed, &self.token())
    }

    fn token(self) -> AccessToken {
        let permissions: &[(&str, &str)] = match self {
            Self::Master | Self::Expiring => &[("*", "*")],
            Self::Tickets => &[("default", "MANAGE_TICKETS")],
            Self::Acme => &[("acme", "*")],
            Self::Narrow => &[("default", "MANAGE_PROFILES"), ("*", "*")],
            Self::Unknown | Self::Empty | Self::Missing => &[],
        };
        AccessToken {
            application: format!("{self:?}"),
            master: false,
            tenant_permissions: permissions
                .iter()
                .map(|(tenant, action)| TenantPermission {
                    allowed_actions: vec![(*action).to_owned()],
                    tenant: (*tenant).to_owned(),
                })
                .collect(),
            expires_on: (self == Self::Expiring).then_some(TOKEN_EXPIRY),
            has_all_attributes: false,
        }
    }

    /// Whether these permissions allow `action` on `tenant`.
    pub fn allows(self, action: &str, tenant: &str) -> bool {
        match self {
            Self::Master | Self::Expiring => true,
            Self::Tickets => tenant == "default" && action == "MANAGE_TICKETS",
            Self::Acme => tenant == "acme",
            Self::Narrow => tenant != "default" || action == "MANAGE_PROFILES",
            Self::Unknown | Self::Empty | Self::Missing => false,
        }
    }
}
