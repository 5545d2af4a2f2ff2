//! An application lets a profile be used, or stops that.

use crate::app::App;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::Checked;

/// Enables or disables the profile with this id and returns it with the attributes that the caller's application may
/// read. Disabling it ends its logins and tickets.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub async fn set_enabled(
    app: &App,
    caller: Caller,
    id: String,
    is_enabled: bool,
) -> Checked<Profile> {
    let change = ProfileChange::new(app, caller, id, move |draft| {
        draft.set_enabled(is_enabled);
        Ok(())
    });
    change.carry_out(app).await
}
