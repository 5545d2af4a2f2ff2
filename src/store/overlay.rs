//! What rotations changed and the records of logins do not tell yet.
//!
//! The map is immutable with shared structure: a snapshot keeps the one that belongs to it while the
//! writer goes on with its own, and neither needs a lock.

use imbl::OrdMap;

use crate::domain::persistent_login::{PersistentLogin, Rotation, Token};
use crate::store::place::Place;

/// What a rotation changes of a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// The token that the login has now.
    pub token: Token,
    /// How it came to it.
    pub rotation: Rotation,
}

impl Rotated {
    /// What the last rotation of `login` changed; `None` if it was never rotated.
    pub fn of(login: &PersistentLogin) -> Option<Self> {
        let token = login.token;
        login.rotation.map(|rotation| Self { token, rotation })
    }

    /// The login with this as its last rotation.
    pub fn apply(self, login: PersistentLogin) -> PersistentLogin {
        PersistentLogin {
            token: self.token,
            rotation: Some(self.rotation),
            ..login
        }
    }
}

/// The last rotation of each login whose record does not tell it yet, in the order of their places.
/// A login that is here and has no record was deleted: records alone decide what exists.
pub type Overlay = OrdMap<Place, Rotated>;
