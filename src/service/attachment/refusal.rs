//! Why a use case of attachments refuses.

use crate::domain::attachment::media_type::MediaType;
use crate::domain::attachment::name::NameInvalid;
use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;
use crate::service::profile::refusal::ProfileRequestRefusal;

/// Why a caller does not get what it asked of attachments. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttachmentRefusal {
    /// The caller or the profile does not allow it.
    Profile(ProfileRequestRefusal),
    /// The profile has no attachment of this name.
    NotFound {
        /// The name as the caller gave it.
        name: String,
    },
    /// The name of the uploaded file is none for an attachment.
    NameInvalid(NameInvalid),
    /// The uploaded file is not what its name says.
    ContentDiffers {
        /// What the name says.
        named: MediaType,
        /// What the content is, if it is an image at all.
        found: Option<MediaType>,
    },
    /// The profile has as many attachments as it may have.
    TooMany {
        /// So many.
        max: usize,
    },
}

impl Refusal for AttachmentRefusal {}

impl From<ProfileRequestRefusal> for AttachmentRefusal {
    fn from(refusal: ProfileRequestRefusal) -> Self {
        Self::Profile(refusal)
    }
}

impl From<AccessRefusal> for AttachmentRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Profile(refusal.into())
    }
}
