//! The owner of a profile followed the link in a mail, which verifies the address.

use crate::app::App;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::{Checked, SingleProfileRequest};

/// Verifies and enables the profile of the verification token with this id, which is used up, and returns the profile
/// with the attributes that the caller's application may read. Other tokens of the profile stay valid.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired token, a caller without MANAGE_PROFILES on its tenant, a profile
/// that is gone, and a caller without READ_TENANT, in this order. The token is kept then.
pub async fn verify(app: &App, caller: Caller, token_id: String) -> Checked<Profile> {
    let request = SingleProfileRequest::by_verification_token(app, caller, token_id)?;
    let change = ProfileChange::requested(app, request, |draft| {
        draft.verify();
        Ok(())
    });
    change.carry_out(app).await
}
