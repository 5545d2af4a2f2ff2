//! An application removes attributes of a profile.

use crate::app::App;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::Checked;

/// Removes attributes of the profile with this id, whether it has them or not, and returns it with the attributes that
/// the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then READ_TENANT on its tenant, and
/// attributes that are not defined or that its application may not remove, in this order.
pub async fn remove_attributes(
    app: &App,
    caller: Caller,
    id: String,
    names: Vec<String>,
) -> Checked<Profile> {
    let change = ProfileChange::new(app, caller, id, move |draft| {
        draft.remove_attributes(&names)
    });
    change.carry_out(app).await
}
