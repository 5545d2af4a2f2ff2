//! An application lists the attachments of a profile.

use crate::app::App;
use crate::domain::attachment::Attachment;
use crate::service::attachment::{Checked, authorize};
use crate::service::caller::Caller;
use crate::service::profile::request::SingleProfileRequest;
use crate::service::transaction;
use crate::tables::attachment;

/// The attachments of the profile with this id, in the order of their names. There are as many as a profile may have at
/// most, or could have before that was reduced.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub fn list(app: &App, caller: Caller, profile_id: String) -> Checked<Vec<Attachment>> {
    let request = SingleProfileRequest::new(app, caller, profile_id);
    transaction::read(app, |txn| {
        let (_, profile) = authorize(&request, txn)?;
        Ok(attachment::of_profile(txn, profile.id)?)
    })
}
