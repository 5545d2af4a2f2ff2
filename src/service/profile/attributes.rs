//! An application sets attributes of a profile, or removes them.

use crate::app::App;
use crate::domain::given_attributes::GivenAttributes;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::Checked;

/// Sets attributes of the profile with this id and returns it with the attributes that the caller's application may
/// read and those that were given. Others are left.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then READ_TENANT on its tenant,
/// attributes that are not defined or that its application may not write, and too large ones, in this order.
pub async fn update_attributes(
    app: &App,
    caller: Caller,
    id: String,
    given: GivenAttributes,
) -> Checked<Profile> {
    let change = ProfileChange::new(app, caller, id, |_| Ok(()));
    change.with_attributes(given).carry_out(app).await
}

/// Removes attributes of the profile with this id, whether it has them or not, and returns it with the attributes that
/// the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then READ_TENANT on its tenant,
/// and attributes that are not defined or that its application may not remove, in this order.
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
