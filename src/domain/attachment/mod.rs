//! Attachments: the images of a profile, as the wire contract has them ("Attachments").

pub mod content;
pub mod media_type;
pub mod name;
pub mod size;

use crate::domain::attachment::media_type::MediaType;
use crate::domain::attachment::name::AttachmentName;
use crate::domain::object_id::ObjectId;

/// What names the content of one upload, which is never changed: another upload has another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// The id of these bytes, which are random.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// An attachment of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// Its id, which stays when it is replaced.
    pub id: ObjectId,
    /// Its name.
    pub name: AttachmentName,
    /// What it is.
    pub media_type: MediaType,
    /// How many bytes it has.
    pub size: u64,
    /// Their MD5 digest: for whoever compares files, and no protection.
    pub md5: [u8; 16],
    /// Where they are.
    pub blob: BlobId,
}
