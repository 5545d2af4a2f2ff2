//! An application gives a profile roles, or takes them from it.

use std::collections::HashSet;

use crate::app::App;
use crate::domain::profile::Profile;
use crate::service::caller::Caller;
use crate::service::profile::change::ProfileChange;
use crate::service::profile::request::Checked;

/// Adds roles to the profile with this id, whether its tenant has them available or not, and returns it with the
/// attributes that the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then READ_TENANT on its tenant,
/// and more roles than the limit, in this order.
pub async fn add_roles(
    app: &App,
    caller: Caller,
    id: String,
    added: Vec<String>,
) -> Checked<Profile> {
    let change = ProfileChange::new(app, caller, id, move |draft| {
        let mut roles = draft.profile.roles.clone().unwrap_or_default();
        roles.extend(added.iter().cloned());
        draft.set_roles(roles)
    });
    change.carry_out(app).await
}

/// Removes roles from the profile with this id and returns it with the attributes that the caller's application may
/// read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub async fn remove_roles(
    app: &App,
    caller: Caller,
    id: String,
    removed: Vec<String>,
) -> Checked<Profile> {
    let removed: HashSet<_> = removed.into_iter().collect();
    let change = ProfileChange::new(app, caller, id, move |draft| {
        if let Some(roles) = &mut draft.profile.roles {
            roles.retain(|role| !removed.contains(role));
        }
        Ok(())
    });
    change.carry_out(app).await
}
