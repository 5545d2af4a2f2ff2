//! The key of a login's record.

use std::hash::{Hash, Hasher};

use uuid::Uuid;

use crate::domain::login_state::{ImportedLogin, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;

/// How many bytes of a key come before the id, which identifies the login by itself.
pub const PREFIX_BYTES: usize = 12;

/// The profile and the id of a login, in whose order logins are stored: those of a profile are next to each
/// other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LoginKey {
    /// Whose login it is.
    pub profile_id: ObjectId,
    /// The login.
    pub id: PersistentLoginId,
}

impl Hash for LoginKey {
    /// The id identifies a login by itself.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.id.uuid().as_u128());
    }
}

impl LoginKey {
    /// The key of `login`.
    pub fn of(login: &LoginState) -> Self {
        Self {
            profile_id: login.profile_id,
            id: login.id,
        }
    }

    /// The key of a login that is imported.
    pub fn of_imported(login: &ImportedLogin) -> Self {
        Self {
            profile_id: login.profile_id,
            id: login.id,
        }
    }

    /// The lowest key that a login of the profile can have.
    pub fn first_of(profile_id: ObjectId) -> Self {
        let id = PersistentLoginId::new(Uuid::nil());
        Self { profile_id, id }
    }

    /// The highest key that a login of the profile can have.
    pub fn last_of(profile_id: ObjectId) -> Self {
        let id = PersistentLoginId::new(Uuid::max());
        Self { profile_id, id }
    }

    /// The bytes, which sort like keys: 12 of the profile's id, 16 of the login's.
    pub fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..PREFIX_BYTES].copy_from_slice(self.profile_id.as_bytes());
        bytes[PREFIX_BYTES..].copy_from_slice(self.id.uuid().as_bytes());
        bytes
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 28]) -> Self {
        let (mut profile_id, mut id) = ([0; 12], [0; 16]);
        profile_id.copy_from_slice(&bytes[..PREFIX_BYTES]);
        id.copy_from_slice(&bytes[PREFIX_BYTES..]);
        Self {
            profile_id: ObjectId::from_bytes(profile_id),
            id: PersistentLoginId::new(Uuid::from_bytes(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logins_of_a_profile_are_next_to_each_other() {
        let key = |profile: u8, id| LoginKey {
            profile_id: ObjectId::from_bytes([profile; 12]),
            id: PersistentLoginId::new(id),
        };
        let (some, last) = (key(9, Uuid::from_u128(7)), key(9, Uuid::max()));
        assert_eq!(LoginKey::from_bytes(&some.to_bytes()), some);
        assert!(some.to_bytes() < last.to_bytes());
        let next = LoginKey::first_of(ObjectId::from_bytes([10; 12]));
        assert!(last.to_bytes() < next.to_bytes());
    }
}
