//! Persistent logins and how their tokens rotate.

use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::clock::timeline::{Moment, Now, Timeline};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;

/// The id of a persistent login: a UUID that stays the same while the token changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PersistentLoginId(Uuid);

impl PersistentLoginId {
    /// The id with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Parses 32 hexadecimal digits of either case in five groups; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated_uuid(text).map(Self)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for PersistentLoginId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// The secret that is replaced on every use. `Debug` shows nothing, and `==` takes the same time
/// whatever the two tokens are.
#[derive(Clone, Copy)]
pub struct Token(Uuid);

impl Token {
    /// The token with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Parses a token, as [`PersistentLoginId::parse`].
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated_uuid(text).map(Self)
    }

    /// The secret itself, to be stored or returned to its owner.
    pub const fn reveal(self) -> Uuid {
        self.0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

/// The UUID in this text, which has hyphens and neither braces nor a prefix: no other form has as many characters.
pub(super) fn hyphenated_uuid(text: &str) -> Option<Uuid> {
    let is_hyphenated = text.len() == 36;
    is_hyphenated.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A persistent login with its token, as the wire contract has it ("JSON shapes").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersistentLogin {
    /// The id, which never changes.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// The secret, replaced on every use.
    pub token: Token,
    /// When the login was created; a rotation does not change it.
    pub timestamp: Timestamp,
}

/// How long a login lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetime {
    /// From its creation.
    pub max_age: Duration,
    /// From its last use; `None` for no limit.
    pub idle_max: Option<Duration>,
}

impl Lifetime {
    /// When a login expires that was created and last used at these moments.
    pub fn end(self, created: Moment, last_used: Moment, timeline: &Timeline) -> Timestamp {
        let by_age = timeline.time(created).plus(self.max_age);
        match self.idle_max {
            Some(idle_max) => by_age.min(timeline.time(last_used).plus(idle_max)),
            None => by_age,
        }
    }

    /// Whether a login has expired that was created and last used at these moments.
    pub fn is_over(self, created: Moment, last_used: Moment, now: &Now) -> bool {
        now.age(created) >= self.max_age
            || self
                .idle_max
                .is_some_and(|idle_max| now.age(last_used) >= idle_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

    #[test]
    fn an_id_is_written_in_lower_case_and_read_in_either() {
        let id = PersistentLoginId::parse(ID).expect("a UUID");
        assert_eq!(id.to_string(), ID);
        let upper = ID.to_uppercase();
        assert_eq!(PersistentLoginId::parse(&upper), Some(id));
        assert_eq!(Token::parse(&upper), Token::parse(ID));
        for other in [
            ID.replace('-', ""),
            format!("{{{ID}}}"),
            String::new(),
            "create".to_owned(),
        ] {
            assert_eq!(PersistentLoginId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let token = Token::parse(ID).expect("a UUID");
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
