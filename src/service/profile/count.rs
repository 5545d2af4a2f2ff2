//! An application counts the profiles of a tenant.

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::tenant::TenantName;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::profile::request::Checked;
use crate::service::transaction;
use crate::tables::profile::count as profile_count;

/// The number of profiles of the tenant with this name; zero if there is no such tenant.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_PROFILES on the tenant.
pub fn count(app: &App, caller: Caller, tenant: String) -> Checked<u64> {
    caller.note_use(app);
    let now = app.clock.now().time();
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now)?;
        require(&token, TenantAction::ManageProfiles, &tenant)?;
        match TenantName::new(tenant.as_str()) {
            Some(tenant) => Ok(profile_count::count(txn, &tenant)?),
            None => Ok(0),
        }
    })
}
