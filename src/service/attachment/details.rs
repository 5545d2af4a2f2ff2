//! An application looks at an attachment of a profile, but not at its content.

use crate::app::App;
use crate::domain::attachment::Attachment;
use crate::domain::attachment::name::AttachmentName;
use crate::service::attachment::refusal::AttachmentRefusal;
use crate::service::attachment::{Checked, authorize};
use crate::service::caller::Caller;
use crate::service::profile::request::SingleProfileRequest;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::attachment;

/// The attachment with this name of the profile with this id.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then READ_TENANT on its tenant,
/// and an unknown name, in this order.
pub fn details(app: &App, caller: Caller, profile_id: String, name: String) -> Checked<Attachment> {
    let request = SingleProfileRequest::new(app, caller, profile_id);
    transaction::read(app, |txn| find(txn, &request, &name))
}

/// As [`details`], within a transaction.
pub(super) fn find(
    txn: &impl Read,
    request: &SingleProfileRequest,
    name: &str,
) -> Checked<Attachment> {
    let (_, profile) = authorize(request, txn)?;
    let found = attachment::get(txn, profile.id, &AttachmentName::from_text(name))?;
    found.ok_or_else(|| {
        let name = name.to_owned();
        AttachmentRefusal::NotFound { name }.into()
    })
}
