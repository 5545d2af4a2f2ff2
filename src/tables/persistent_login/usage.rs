//! What a walk over many logins reads of each: when it was used, and what decides whether it is valid.

use crate::clock::timeline::Moment;
use crate::domain::key_ring::KeyNumber;
use crate::domain::login_state::{Era, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;

/// The part of a login by which many are sorted, and found to be valid or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Whose login it is.
    pub profile_id: ObjectId,
    /// The login.
    pub id: PersistentLoginId,
    /// The number of the key that its next tokens need.
    pub key: KeyNumber,
    /// The era that it was created in.
    pub era: Era,
    /// When it was created.
    pub created: Moment,
    /// When it was rotated last, or created.
    pub last_used: Moment,
}

impl Usage {
    /// That of `login`.
    pub fn of(login: &LoginState) -> Self {
        Self {
            profile_id: login.profile_id,
            id: login.id,
            era: login.era,
            key: login.key.number,
            created: login.created,
            last_used: login.last_used(),
        }
    }
}
