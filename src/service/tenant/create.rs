//! A tenant is created.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::change::TenantInput;
use crate::domain::tenant::{TENANTS_MAX, Tenant};
use crate::service::access::require_global;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::tenant::refusal::TenantRefusal;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::tenant;

/// Creates a tenant. One that was deleted under the name has left nothing to it.
///
/// # Errors
///
/// Refuses an invalid caller, one without CREATE_TENANT on all tenants, a tenant beyond the limits, and a name that is
/// taken, in this order.
pub async fn create(
    app: &App,
    caller: Caller,
    input: TenantInput,
) -> Result<Tenant, Error<TenantRefusal>> {
    caller.note_use(app);
    let context = OpContext::as_system(app);
    let request = CreateRequest {
        id: ObjectId::new(context.now.time(), app.entropy.bytes()),
        caller,
        context,
        input,
    };
    transaction::read(app, |txn| request.authorize(txn).map(drop))?;
    transaction::write(app, move |txn| {
        let (caller, created) = request.authorize(txn)?;
        tenant::put(txn, &created)?;
        let context = request.context.as_caller(caller);
        let subject = Subject::Tenant(created.name.clone());
        context.record_subject(txn, Event::CreateTenant, subject);
        Ok(created)
    })
    .await
}

struct CreateRequest {
    caller: Caller,
    context: OpContext,
    input: TenantInput,
    id: ObjectId,
}

impl CreateRequest {
    /// The caller and the tenant, if the caller may create it.
    fn authorize(
        &self,
        txn: &impl Read,
    ) -> Result<(Arc<AccessToken>, Tenant), Error<TenantRefusal>> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        require_global(&token, TenantAction::CreateTenant)?;
        let created = self.input.tenant(self.id).map_err(TenantRefusal::Invalid)?;
        if tenant::get(txn, &created.name)?.is_some() {
            let name = created.name.as_str().to_owned();
            return Err(TenantRefusal::Exists { name }.into());
        }
        if tenant::count(txn)? >= TENANTS_MAX {
            return Err(TenantRefusal::TooManyTenants.into());
        }
        Ok((token, created))
    }
}
