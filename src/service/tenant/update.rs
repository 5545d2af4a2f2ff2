//! A tenant is changed, and its profiles follow.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::sweep::Sweep;
use crate::domain::tenant::Tenant;
use crate::domain::tenant::change::TenantChange;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::tenant::find;
use crate::service::tenant::refusal::TenantRefusal;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::of_tenant;
use crate::tables::tenant;

/// Changes the tenant with this name. From then on no profile shows what it loses by the change, and each has what it
/// gets; their records follow in background work. Returns the tenant as it is then.
///
/// # Errors
///
/// Refuses an invalid caller, one without READ_TENANT on the tenant, an unknown tenant, a caller without UPDATE_TENANT,
/// a tenant that would be beyond the limits, and a change that the profiles cannot follow yet, because too many before
/// it are being carried out, in this order.
pub async fn update(
    app: &App,
    caller: Caller,
    name: String,
    change: TenantChange,
) -> Result<Arc<Tenant>, Error<TenantRefusal>> {
    caller.note_use(app);
    let request = UpdateRequest {
        caller,
        context: OpContext::as_system(app),
        name,
        change,
    };
    transaction::read(app, |txn| request.authorize(txn).map(drop))?;
    transaction::write(app, move |txn| request.apply(txn)).await
}

struct UpdateRequest {
    caller: Caller,
    context: OpContext,
    /// The name as the caller gave it.
    name: String,
    change: TenantChange,
}

impl UpdateRequest {
    /// The caller and the tenant, if the caller may change it.
    fn authorize(
        &self,
        txn: &impl Read,
    ) -> Result<(Arc<AccessToken>, Arc<Tenant>), Error<TenantRefusal>> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        require(&token, TenantAction::ReadTenant, &self.name)?;
        let found = find(txn, &self.name)?;
        let found = found.ok_or_else(|| TenantRefusal::NotFound {
            name: self.name.clone(),
        })?;
        require(&token, TenantAction::UpdateTenant, &self.name)?;
        Ok((token, found))
    }

    fn apply(&self, txn: &WriteTxn) -> Result<Arc<Tenant>, Error<TenantRefusal>> {
        let (caller, found) = self.authorize(txn)?;
        let (changed, sweep) = self.change.apply(&found).map_err(TenantRefusal::Invalid)?;
        // A tenant without profiles has none that could follow: its next ones are created with the tenant as it is
        // then.
        let is_swept = sweep != Sweep::default() && of_tenant::is_any(txn, &changed.name)?;
        if !is_swept && changed == *found {
            return Ok(found);
        }
        if is_swept {
            let put = tenant::put_with_sweep(txn, &changed, sweep)?;
            put.map_err(|_| TenantRefusal::TooManyChanges)?;
        } else {
            tenant::put(txn, &changed)?;
        }
        let context = self.context.as_caller(caller);
        let subject = Subject::Tenant(changed.name.clone());
        context.record_subject(txn, Event::UpdateTenant, subject);
        Ok(Arc::new(changed))
    }
}
