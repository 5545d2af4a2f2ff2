//! When a login was used, which is all that sorting a list of many takes.

use crate::clock::timeline::Moment;
use crate::domain::key_ring::KeyNumber;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::PersistentLoginId;

/// When a login was created and last used: what a list of many is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The login.
    pub id: PersistentLoginId,
    /// The number of the key that its next tokens need.
    pub key: KeyNumber,
    /// When it was created.
    pub created: Moment,
    /// When it was rotated last, or created.
    pub last_used: Moment,
}

impl Usage {
    /// That of `login`.
    pub fn of(login: &LoginState) -> Self {
        Self {
            id: login.id,
            key: login.key.number,
            created: login.created,
            last_used: login.last_used(),
        }
    }
}
