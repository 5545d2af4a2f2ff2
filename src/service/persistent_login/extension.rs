//! What an application may ask for beside the login of the wire contract.

use crate::clock::Timestamp;
use crate::clock::timeline::Timeline;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::{Lifetime, PersistentLogin};

/// A login with its current token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedLogin {
    /// The login.
    pub login: PersistentLogin,
    /// What else was asked for, if anything.
    pub extension: Option<Extension>,
}

/// What is not in the wire contract's form of a login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extension {
    /// The username of its profile; `None` if the profile's record was lost with a part of the database.
    pub username: Option<String>,
    /// When the login expires unless it is used before.
    pub expires: Timestamp,
}

impl Extension {
    /// That of this login, whose profile has this username.
    pub(super) fn of(
        login: &LoginState,
        username: Option<String>,
        lifetime: Lifetime,
        timeline: &Timeline,
    ) -> Self {
        Self {
            username,
            expires: lifetime.end(login.created, login.last_used(), timeline),
        }
    }
}
