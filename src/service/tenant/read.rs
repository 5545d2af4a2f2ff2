//! Applications look at tenants.

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::tenant::Tenant;
use crate::service::access::{require, require_global};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::tenant::find;
use crate::service::tenant::refusal::TenantRefusal;
use crate::service::transaction;
use crate::tables::tenant;

/// The tenant with this name.
///
/// # Errors
///
/// Refuses an invalid caller, one without READ_TENANT on the tenant, and an unknown tenant, in this order.
pub fn read(app: &App, caller: &Caller, name: &str) -> Result<Arc<Tenant>, Error<TenantRefusal>> {
    caller.note_use(app);
    let now = app.clock.now().time();
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now)?;
        require(&token, TenantAction::ReadTenant, name)?;
        let found = find(txn, name)?;
        let name = name.to_owned();
        found.ok_or_else(|| TenantRefusal::NotFound { name }.into())
    })
}

/// All tenants, in the order of their creation.
///
/// # Errors
///
/// Refuses an invalid caller, and one without READ_TENANT on all tenants.
pub fn all(app: &App, caller: &Caller) -> Result<Vec<Arc<Tenant>>, Error<TenantRefusal>> {
    caller.note_use(app);
    let now = app.clock.now().time();
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now)?;
        require_global(&token, TenantAction::ReadTenant)?;
        Ok(tenant::all(txn)?)
    })
}

/// The number of tenants.
///
/// # Errors
///
/// As [`all`].
pub fn count(app: &App, caller: &Caller) -> Result<u64, Error<TenantRefusal>> {
    caller.note_use(app);
    let now = app.clock.now().time();
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now)?;
        require_global(&token, TenantAction::ReadTenant)?;
        Ok(tenant::count(txn)?)
    })
}
