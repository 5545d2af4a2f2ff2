//! A tenant is deleted, and with it its profiles, their logins and tickets.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::tenant::TenantName;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::tenant::find;
use crate::service::tenant::refusal::TenantRefusal;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::profile::{count, of_tenant};
use crate::tables::{ended_tenants, tenant};

/// Deletes the tenant with this name; one that does not exist is deleted already. Its profiles, logins and tickets do
/// not exist from then on; what is left of them is removed by background work.
///
/// # Errors
///
/// Refuses an invalid caller, and one without DELETE_TENANT on the tenant.
pub async fn delete(app: &App, caller: Caller, name: String) -> Result<(), Error<TenantRefusal>> {
    caller.note_use(app);
    let request = DeleteRequest {
        caller,
        context: OpContext::as_system(app),
        name,
    };
    let (_, found) = transaction::read(app, |txn| request.authorize(txn))?;
    if found.is_none() {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        let (caller, Some(name)) = request.authorize(txn)? else {
            return Ok(());
        };
        tenant::delete(txn, &name)?;
        if of_tenant::is_any(txn, &name)? {
            let era = ended_tenants::end(txn, &name)?;
            count::end_all(txn, &name, era)?;
        }
        let context = request.context.as_caller(caller);
        context.record_subject(txn, Event::DeleteTenant, Subject::Tenant(name));
        Ok(())
    })
    .await
}

struct DeleteRequest {
    caller: Caller,
    context: OpContext,
    /// The name as the caller gave it.
    name: String,
}

impl DeleteRequest {
    /// The caller, and the tenant's name if there is one, if the caller may delete it.
    fn authorize(
        &self,
        txn: &impl Read,
    ) -> Result<(Arc<AccessToken>, Option<TenantName>), Error<TenantRefusal>> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        require(&token, TenantAction::DeleteTenant, &self.name)?;
        let found = find(txn, &self.name)?;
        Ok((token, found.map(|found| found.name.clone())))
    }
}
