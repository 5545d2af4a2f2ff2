//! An application looks at a profile.

use crate::app::App;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::profile::visible::keep_readable;
use crate::service::transaction;

/// The profile with this id, with the attributes that the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub fn read(app: &App, caller: Caller, id: String) -> Checked<Profile> {
    let request = SingleProfileRequest::new(app, caller, id);
    transaction::read(app, |txn| {
        let (token, mut profile) = request.authorize(txn)?;
        keep_readable(txn, &token, &mut profile)?;
        Ok(profile)
    })
}
