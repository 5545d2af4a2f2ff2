//! An application deletes a profile.

use crate::app::App;
use crate::service::caller::Caller;
use crate::service::end_access::{EndReason, end_access};
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::transaction;
use crate::tables::profile;

/// Deletes the profile with this id, which ends its logins and tickets. One that does not exist is deleted already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_PROFILES and then READ_TENANT on the tenant of a profile that
/// exists.
pub async fn delete(app: &App, caller: Caller, id: String) -> Checked<()> {
    let request = SingleProfileRequest::new(app, caller, id);
    if transaction::read(app, |txn| request.find(txn))?.is_none() {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        if let Some((token, found)) = request.find(txn)? {
            let context = request.context.as_caller(token);
            end_access(txn, &context, &found, EndReason::Delete)?;
            profile::delete(txn, &found)?;
        }
        Ok(())
    })
    .await
}
