//! Attachments: the use cases, one file each.

pub mod clean_up;
pub mod details;
pub mod download;
pub mod list;
pub mod refusal;
pub mod upload;

use std::sync::Arc;

use crate::domain::access_token::AccessToken;
use crate::domain::profile::Profile;
use crate::service::attachment::refusal::AttachmentRefusal;
use crate::service::error::Error;
use crate::service::profile::request::SingleProfileRequest;
use crate::storage::transaction::Read;

/// What a check comes to.
pub type Checked<T> = Result<T, Error<AttachmentRefusal>>;

/// As [`SingleProfileRequest::authorize`].
fn authorize(
    request: &SingleProfileRequest,
    txn: &impl Read,
) -> Checked<(Arc<AccessToken>, Profile)> {
    let authorized = request.authorize(txn);
    authorized.map_err(|error| error.map(AttachmentRefusal::Profile))
}
