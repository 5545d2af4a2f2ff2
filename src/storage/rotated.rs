//! What rotations change of logins, and the rotations of one transaction.

use hashbrown::HashMap;

use crate::domain::persistent_login::{PersistentLogin, Rotation, Token};
use crate::tables::persistent_login::key::Place;

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

/// The rotations of one transaction, the last one of each login.
#[derive(Debug, Default)]
pub struct Rotations {
    rows: Vec<(Place, Rotated)>,
    /// Where in `rows` a login is.
    indexes: HashMap<Place, usize>,
}

impl Rotations {
    /// What this transaction changed of the login at `place`.
    pub fn get(&self, place: Place) -> Option<Rotated> {
        self.indexes.get(&place).map(|&index| self.rows[index].1)
    }

    /// Notes a rotation.
    pub fn put(&mut self, place: Place, rotated: Rotated) {
        match self.indexes.get(&place) {
            Some(&index) => self.rows[index].1 = rotated,
            None => {
                self.indexes.insert(place, self.rows.len());
                self.rows.push((place, rotated));
            }
        }
    }

    /// All of them, in the order in which their logins were first rotated.
    pub fn rows(&self) -> &[(Place, Rotated)] {
        &self.rows
    }
}
