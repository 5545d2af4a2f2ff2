//! Persistent logins and how their tokens rotate.

use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::clock::Timestamp;
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

    /// Parses the canonical form of an id: 32 lower-case hexadecimal digits in five groups.
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

    /// Parses the canonical form of a token, as [`PersistentLoginId::parse`].
    pub fn parse(text: &str) -> Option<Self> {
        canonical_uuid(text).map(Self)
    }

    /// Parses what a client presents as a token: a UUID in five groups, of either case.
    pub fn parse_presented(text: &str) -> Option<Self> {
        let hyphenated = text.len() == 36;
        let uuid = hyphenated.then(|| Uuid::try_parse(text).ok()).flatten();
        uuid.map(Self)
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

fn canonical_uuid(text: &str) -> Option<Uuid> {
    let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    canonical.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A persistent login, as the wire contract has it ("JSON shapes"), with its last rotation.
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
    /// The last rotation; `None` until the first.
    pub rotation: Option<Rotation>,
}

/// A replacement of a login's token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// The token that was replaced.
    pub replaced: Token,
    /// When it was replaced.
    pub at: Timestamp,
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
    /// When a login expires that was created and last used at these times.
    pub fn end(self, created: Timestamp, last_used: Timestamp) -> Timestamp {
        let by_age = created.plus(self.max_age);
        match self.idle_max {
            Some(idle_max) => by_age.min(last_used.plus(idle_max)),
            None => by_age,
        }
    }
}

/// What a token is that is presented for a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    /// The login's token.
    Current,
    /// The token that the last rotation replaced, within the grace period: it comes from another
    /// tab, or from a client that did not receive its response.
    JustReplaced,
    /// Any other token: it was used before, so there are two copies of it.
    Reused,
}

impl PersistentLogin {
    /// When the login was last used: rotated, or created.
    pub fn last_used(&self) -> Timestamp {
        self.rotation.map_or(self.timestamp, |rotation| rotation.at)
    }

    /// The first moment at which the login is expired.
    pub fn expires(&self, lifetime: Lifetime) -> Timestamp {
        lifetime.end(self.timestamp, self.last_used())
    }

    /// Whether the login has expired at `now`.
    pub fn is_expired(&self, now: Timestamp, lifetime: Lifetime) -> bool {
        now >= self.expires(lifetime)
    }

    /// The login with `fresh` in place of its token.
    pub fn rotated(self, fresh: Token, now: Timestamp) -> Self {
        Self {
            token: fresh,
            rotation: Some(Rotation {
                replaced: self.token,
                at: now,
            }),
            ..self
        }
    }

    /// What `token` is to this login at `now`; a `grace` of zero is none. It takes the same time for every token.
    pub fn judge(&self, token: Token, now: Timestamp, grace: Duration) -> Presented {
        let is_current = token == self.token;
        let is_replaced = self
            .rotation
            .is_some_and(|rotation| rotation.replaced == token);
        if is_current {
            Presented::Current
        } else if is_replaced && self.was_rotated_within(grace, now) {
            Presented::JustReplaced
        } else {
            Presented::Reused
        }
    }

    /// Whether the last rotation is at most `window` old at `now`. A window of zero is empty, and a
    /// creation is not a rotation.
    pub fn was_rotated_within(&self, window: Duration, now: Timestamp) -> bool {
        !window.is_zero()
            && self
                .rotation
                .is_some_and(|rotation| now <= rotation.at.plus(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn token(number: u128) -> Token {
        Token::new(Uuid::from_u128(number))
    }

    fn login() -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::parse(ID).expect("a UUID"),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([7; 12]),
            token: token(1),
            timestamp: at(1_000),
            rotation: None,
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
    fn a_rotation_replaces_the_token_and_keeps_the_replaced_one() {
        let rotated = login().rotated(token(2), at(5_000));
        assert_eq!(rotated.token, token(2));
        assert_eq!(rotated.last_used(), at(5_000));
        let remembered = Rotation {
            replaced: token(1),
            at: at(5_000),
        };
        assert_eq!(rotated.rotation, Some(remembered));
        let unchanged = PersistentLogin {
            token: token(1),
            rotation: None,
            ..rotated
        };
        assert_eq!(unchanged, login());
    }

    #[test]
    fn expires_when_its_age_is_reached() {
        let lifetime = Lifetime {
            max_age: Duration::from_millis(500),
            idle_max: None,
        };
        assert!(!login().is_expired(at(1_499), lifetime));
        assert!(login().is_expired(at(1_500), lifetime));
        let rotated = login().rotated(token(2), at(1_400));
        assert!(rotated.is_expired(at(1_500), lifetime));
    }

    #[test]
    fn expires_when_it_was_idle_for_too_long() {
        let lifetime = Lifetime {
            max_age: 10 * SECOND,
            idle_max: Some(SECOND),
        };
        assert!(!login().is_expired(at(1_999), lifetime));
        assert!(login().is_expired(at(2_000), lifetime));
        let used = login().rotated(token(2), at(1_900));
        assert!(!used.is_expired(at(2_899), lifetime));
        assert!(used.is_expired(at(2_900), lifetime));
        let used_late = login().rotated(token(2), at(10_900));
        assert!(used_late.is_expired(at(11_000), lifetime));
    }

    #[test]
    fn judges_what_is_presented() {
        let fresh = login();
        assert_eq!(fresh.judge(token(1), at(2_000), SECOND), Presented::Current);
        assert_eq!(fresh.judge(token(2), at(2_000), SECOND), Presented::Reused);
        let rotated = login()
            .rotated(token(2), at(2_000))
            .rotated(token(3), at(3_000));
        let judge = |number, now| rotated.judge(token(number), at(now), SECOND);
        assert_eq!(judge(3, 3_000), Presented::Current);
        assert_eq!(judge(3, 9_000), Presented::Current);
        assert_eq!(judge(2, 3_000), Presented::JustReplaced);
        assert_eq!(judge(2, 4_000), Presented::JustReplaced);
        assert_eq!(judge(2, 4_001), Presented::Reused);
        assert_eq!(judge(1, 3_000), Presented::Reused);
        let without_grace = rotated.judge(token(2), at(3_000), Duration::ZERO);
        assert_eq!(without_grace, Presented::Reused);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", login());
        assert!(!shown.contains(&login().token.reveal().to_string()));
    }
}
