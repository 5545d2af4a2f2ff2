//! All logins of a tenant end at once, or all there are: the operator of the host signs everybody out.
//!
//! The transaction writes one row, which ends them with its commit. They are removed afterwards, in transactions of
//! background work.

use tokio::task::yield_now;

use crate::app::{App, Phase};
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::TenantAction;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::access::{require, require_global};
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::tenant::refusal::TenantRefusal;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::ended;
use crate::tables::persistent_login::ended_together::{self, Scope};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::{persistent_login, tenant};

/// How many logins are looked at before other work of the thread is done.
const LOGINS_PER_STEP: usize = 256;

/// Ends all logins of the tenant of this name, or those of all tenants if there is no name.
///
/// # Errors
///
/// Refuses an invalid caller, one without MANAGE_TICKETS on the tenant or on all of them, and an unknown tenant, in
/// this order.
pub async fn end_together(
    app: &App,
    caller: Caller,
    tenant: Option<String>,
) -> Result<(), Error<TenantRefusal>> {
    let context = OpContext::as_system(app);
    transaction::write(app, move |txn| {
        let token = caller.identify(txn, context.now.time())?;
        let scope = match &tenant {
            Some(name) => {
                require(&token, TenantAction::ManageTickets, name)?;
                Scope::Tenant(existing(txn, name)?)
            }
            None => {
                require_global(&token, TenantAction::ManageTickets)?;
                Scope::EveryTenant
            }
        };
        ended_together::end_all(txn, &scope)?;
        let (event, subject) = match scope {
            Scope::Tenant(name) => (Event::EndTenantLogins, Subject::Tenant(name)),
            Scope::EveryTenant => (Event::EndAllLogins, Subject::Database),
        };
        let context = context.as_caller(token);
        context.record_subject(txn, event, subject);
        Ok(())
    })
    .await
}

fn existing(txn: &impl Read, name: &str) -> Result<TenantName, Error<TenantRefusal>> {
    let found = match TenantName::new(name) {
        Some(name) => tenant::get(txn, &name)?.map(|_| name),
        None => None,
    };
    let name = name.to_owned();
    found.ok_or_else(|| TenantRefusal::NotFound { name }.into())
}

/// Removes the logins that ended so, in bounded transactions of background work, and forgets the ends with the last of
/// them. Returns how many were removed.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_ended_together(app: &App) -> Result<usize, Failure> {
    let ends = app
        .store
        .read(|txn| Ok(ended::all(txn)?.together().ends().to_vec()))?;
    if ends.is_empty() {
        return Ok(0);
    }
    let batch_max = app.config.jobs.cleaner_batch_max.get();
    let (mut after, mut removed) = (None, 0);
    loop {
        if app.phase() == Phase::Draining {
            return Ok(removed);
        }
        let mut found = Vec::new();
        let step = LOGINS_PER_STEP.min(batch_max);
        after = app.store.read(|txn| {
            let ended = ended::all(txn)?;
            persistent_login::walk(txn, after, step, |login| {
                if ended.together().have(&login.tenant, login.era) == Ok(true) {
                    found.push(LoginKey::of(&login));
                }
            })
        })?;
        removed += remove(app, found).await?;
        if after.is_none() {
            break;
        }
    }
    // Logins that were created since are of these eras or later ones: no more of earlier ones come.
    app.store
        .write_in_background(move |txn| {
            let mut ends = ends.iter();
            ends.try_for_each(|(scope, era)| ended_together::forget(txn, scope, *era))
        })
        .await?;
    Ok(removed)
}

async fn remove(app: &App, keys: Vec<LoginKey>) -> Result<usize, Failure> {
    if keys.is_empty() {
        yield_now().await;
        return Ok(0);
    }
    app.store
        .write_in_background(move |txn| {
            let mut removed = 0;
            for &key in &keys {
                if let Some(login) = persistent_login::get_at(txn, key)? {
                    persistent_login::delete(txn, &login)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
}
