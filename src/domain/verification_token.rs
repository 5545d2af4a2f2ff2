//! Verification tokens: that whoever has one received the mail that it was sent in.

use std::fmt;

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::key_ring::{ID_DIGEST_BYTES, SecretKey};
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_id() {
        let id = VerificationTokenId::parse("B68c0013-d7b2-4004-8463-d7ba03e15d94");
        let id = id.expect("a UUID");
        assert_eq!(format!("{id:?}"), "VerificationTokenId(..)");
        assert!(VerificationTokenId::parse("create").is_none());
    }
}
