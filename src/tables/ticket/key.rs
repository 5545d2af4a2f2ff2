//! The key of a ticket's record.

use crate::domain::key_ring::ID_DIGEST_BYTES;
use crate::domain::object_id::ObjectId;
use crate::domain::ticket::{TicketDigest, TicketState};

/// How many bytes of a key come before the digest, which identifies the ticket by itself.
pub const PREFIX_BYTES: usize = 12;

/// The profile and the digest of a ticket, in whose order tickets are stored: those of a profile are next to each
/// other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TicketKey {
    /// Whose ticket it is.
    pub profile_id: ObjectId,
    /// What stands for the ticket's id.
    pub digest: TicketDigest,
}

impl TicketKey {
    /// The key of `ticket`.
    pub fn of(ticket: &TicketState) -> Self {
        Self {
            profile_id: ticket.profile_id,
            digest: ticket.digest,
        }
    }

    /// The lowest key that a ticket of the profile can have.
    pub fn first_of(profile_id: ObjectId) -> Self {
        let digest = TicketDigest::from_bytes([0; ID_DIGEST_BYTES]);
        Self { profile_id, digest }
    }

    /// The bytes, which sort like keys: 12 of the profile's id, 16 of the digest.
    pub fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..PREFIX_BYTES].copy_from_slice(self.profile_id.as_bytes());
        bytes[PREFIX_BYTES..].copy_from_slice(self.digest.as_bytes());
        bytes
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 28]) -> Self {
        let (mut profile_id, mut digest) = ([0; 12], [0; ID_DIGEST_BYTES]);
        profile_id.copy_from_slice(&bytes[..PREFIX_BYTES]);
        digest.copy_from_slice(&bytes[PREFIX_BYTES..]);
        Self {
            profile_id: ObjectId::from_bytes(profile_id),
            digest: TicketDigest::from_bytes(digest),
        }
    }
}
