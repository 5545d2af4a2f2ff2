//! Persistent logins and how their tokens rotate.

use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;

/// The id of a persistent login: a UUID that stays while the token changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PersistentLoginId(Uuid);

impl PersistentLoginId {
    /// The id with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Reads the one form in which ids are told: 32 lower-case hexadecimal digits in five groups.
    pub fn parse(text: &str) -> Option<Self> {
        canonical_uuid(text).map(Self)
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

    /// Reads the one form in which tokens are told, like [`PersistentLoginId::parse`].
    pub fn parse(text: &str) -> Option<Self> {
        canonical_uuid(text).map(Self)
    }

    /// The secret itself, to be stored or told to its owner.
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

fn canonical_uuid(text: &str) -> Option<Uuid> {
    let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    canonical.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A persistent login, as the wire contract has it ("JSON shapes").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersistentLogin {
    /// The id, which stays.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// The secret, replaced on every use.
    pub token: Token,
    /// When the login was created; a rotation does not move it.
    pub timestamp: Timestamp,
}

impl PersistentLogin {
    /// Whether the login's time is over at `now`, `max_age` after its creation.
    pub fn is_expired(&self, now: Timestamp, max_age: Duration) -> bool {
        now >= self.timestamp.plus(max_age)
    }

    /// The login with `fresh` in place of its token.
    pub fn rotated(self, fresh: Token) -> Self {
        Self {
            token: fresh,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

    fn login() -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::parse(ID).expect("a UUID"),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([7; 12]),
            token: Token::new(Uuid::from_u128(1)),
            timestamp: Timestamp::from_millis(1_000),
        }
    }

    #[test]
    fn an_id_has_one_form() {
        assert_eq!(login().id.to_string(), ID);
        for other in [
            ID.to_uppercase(),
            ID.replace('-', ""),
            format!("{{{ID}}}"),
            String::new(),
            "create".to_owned(),
        ] {
            assert_eq!(PersistentLoginId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_rotation_replaces_the_token_and_nothing_else() {
        let rotated = login().rotated(Token::new(Uuid::from_u128(2)));
        assert_ne!(rotated.token, login().token);
        assert_eq!(rotated.rotated(login().token), login());
    }

    #[test]
    fn expires_when_its_age_is_reached() {
        let age = Duration::from_millis(500);
        assert!(!login().is_expired(Timestamp::from_millis(1_499), age));
        assert!(login().is_expired(Timestamp::from_millis(1_500), age));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", login());
        assert!(!shown.contains(&login().token.reveal().to_string()));
    }
}
