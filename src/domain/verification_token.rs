//! Verification tokens: that whoever has one received the mail that it was sent in.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::clock::timeline::{Moment, Now, Timeline};
use crate::domain::key_ring::{ID_DIGEST_BYTES, KeyRing, SecretKey};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::hyphenated_uuid;
use crate::domain::tenant::TenantName;

/// The id of a verification token. Who has it may set a password, so it is a secret: `Debug` shows nothing, and it is
/// stored as a [`VerificationTokenDigest`] alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerificationTokenId(Uuid);

impl VerificationTokenId {
    /// The id that `uuid` is.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id itself, for its owner.
    pub const fn reveal(self) -> Uuid {
        self.0
    }

    /// Parses 32 hexadecimal digits of either case in five groups; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated_uuid(text).map(Self)
    }
}

impl fmt::Debug for VerificationTokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerificationTokenId(..)")
    }
}

/// What a verification token is stored under: a keyed hash of its id, which nobody can use as a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerificationTokenDigest([u8; ID_DIGEST_BYTES]);

impl VerificationTokenDigest {
    /// The digest of `id` that is stored with this key.
    pub fn new(id: VerificationTokenId, key: &SecretKey) -> Self {
        Self(key.verification_token_digest(id.0))
    }

    /// The digests that a token with this id can have, that by the newest key first.
    pub fn possible(id: VerificationTokenId, keys: &KeyRing) -> impl Iterator<Item = Self> {
        keys.newest_first().map(move |key| Self::new(id, key))
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; ID_DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_DIGEST_BYTES] {
        &self.0
    }
}

/// What is stored of a verification token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerificationToken {
    /// What stands for its id.
    pub digest: VerificationTokenDigest,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Whose address it verifies.
    pub profile_id: ObjectId,
    /// When it was created.
    pub created: Moment,
}

impl VerificationToken {
    /// Whether it has expired.
    pub fn is_expired(&self, now: &Now, max_age: Duration) -> bool {
        now.age(self.created) >= max_age
    }

    /// The token with this id.
    pub fn issue(&self, id: VerificationTokenId, timeline: &Timeline) -> IssuedVerificationToken {
        IssuedVerificationToken {
            id,
            tenant: self.tenant.clone(),
            profile_id: self.profile_id,
            timestamp: timeline.time(self.created),
        }
    }
}

/// A verification token, as the wire contract has it ("JSON shapes").
#[derive(Clone, Debug)]
pub struct IssuedVerificationToken {
    /// The id.
    pub id: VerificationTokenId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Whose address it verifies.
    pub profile_id: ObjectId,
    /// When it was created.
    pub timestamp: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_expires_some_time_after_its_creation() {
        let at = |millis| Now::from(Timestamp::from_millis(millis));
        let token = VerificationToken {
            digest: VerificationTokenDigest::from_bytes([7; ID_DIGEST_BYTES]),
            tenant: TenantName::new("default").expect("a name"),
            profile_id: ObjectId::from_bytes([1; 12]),
            created: at(1_000).moment,
        };
        let is_expired = |millis| token.is_expired(&at(millis), Duration::from_millis(900));
        assert!(!is_expired(1_899));
        assert!(is_expired(1_900));
        assert!(!is_expired(500));
    }

    #[test]
    fn debug_shows_no_id() {
        let id = VerificationTokenId::parse("B68c0013-d7b2-4004-8463-d7ba03e15d94");
        let id = id.expect("a UUID");
        assert_eq!(format!("{id:?}"), "VerificationTokenId(..)");
        assert!(VerificationTokenId::parse("create").is_none());
    }
}
