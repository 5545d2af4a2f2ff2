//! Where a login is stored.

use std::hash::{Hash, Hasher};

use uuid::Uuid;

use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};

/// The profile and the id of a login, in whose order logins are stored: those of a profile lie next to
/// each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Whose login it is.
    pub profile_id: ObjectId,
    /// The login.
    pub id: PersistentLoginId,
}

impl Hash for Place {
    /// Ids tell logins apart by themselves.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.id.uuid().as_u128());
    }
}

impl Place {
    /// The place of `login`.
    pub fn of(login: &PersistentLogin) -> Self {
        Self {
            profile_id: login.profile_id,
            id: login.id,
        }
    }

    /// The place as a key, whose bytes sort like places.
    pub fn key(self) -> [u8; 28] {
        let mut key = [0; 28];
        key[..12].copy_from_slice(self.profile_id.as_bytes());
        key[12..].copy_from_slice(self.id.uuid().as_bytes());
        key
    }

    /// The place with this key.
    pub fn from_key(key: &[u8; 28]) -> Self {
        let (mut profile_id, mut id) = ([0; 12], [0; 16]);
        profile_id.copy_from_slice(&key[..12]);
        id.copy_from_slice(&key[12..]);
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
    fn the_logins_of_a_profile_lie_together() {
        let place = |profile: u8, id| Place {
            profile_id: ObjectId::from_bytes([profile; 12]),
            id: PersistentLoginId::new(id),
        };
        let (some, last) = (place(9, Uuid::from_u128(7)), place(9, Uuid::max()));
        assert_eq!(Place::from_key(&some.key()), some);
        assert!(some.key() < last.key());
        assert!(last.key() < place(10, Uuid::nil()).key());
    }
}
