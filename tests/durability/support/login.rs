//! A login as a test knows it: with its token, and what its last rotation replaced.

use rememberd::testing::{
    ImportedLogin, KeyRing, LoginKey, LoginState, ObjectId, PersistentLogin, PersistentLoginId,
    TenantName, Timeline, Timestamp, Token,
};

use crate::support;

/// A persistent login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    pub id: PersistentLoginId,
    pub tenant: TenantName,
    pub profile_id: ObjectId,
    pub token: Token,
    pub timestamp: Timestamp,
    /// Absent in a response.
    pub rotation: Option<Rotation>,
}

/// The last rotation of a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// The token that was presented, or current.
    pub replaced: Token,
    pub at: Timestamp,
}

impl Login {
    /// The login that is stored in this state.
    pub fn stored(state: &LoginState, keys: &KeyRing) -> Self {
        let rotation = state.chain.rotation.map(|rotation| Rotation {
            replaced: state
                .token(keys, rotation.parent)
                .expect("the parent's token is known"),
            at: Timestamp::from_millis(rotation.at.as_millis()),
        });
        let login = state
            .issue(keys, &Timeline::default())
            .expect("the key is there");
        Self {
            rotation,
            ..Self::from(login)
        }
    }

    /// The login with `fresh` in place of its token.
    pub fn rotated(self, fresh: Token, at: Timestamp) -> Self {
        Self {
            token: fresh,
            rotation: Some(Rotation {
                replaced: self.token,
                at,
            }),
            ..self
        }
    }

    /// The login as a response has it.
    pub fn returned(&self) -> Self {
        Self {
            rotation: None,
            ..self.clone()
        }
    }

    /// What is stored of a login that came with this token from elsewhere.
    pub fn imported(&self) -> LoginState {
        let login = PersistentLogin {
            id: self.id,
            tenant: self.tenant.clone(),
            profile_id: self.profile_id,
            token: self.token,
            timestamp: self.timestamp,
        };
        ImportedLogin::new(&login, &Timeline::default(), &support::keys(), [0; 12]).state(0)
    }

    /// The key of its record.
    pub fn key(&self) -> LoginKey {
        LoginKey {
            profile_id: self.profile_id,
            id: self.id,
        }
    }
}

impl From<PersistentLogin> for Login {
    fn from(login: PersistentLogin) -> Self {
        Self {
            id: login.id,
            tenant: login.tenant,
            profile_id: login.profile_id,
            token: login.token,
            timestamp: login.timestamp,
            rotation: None,
        }
    }
}
