//! Logins end because somebody signs out, here or everywhere.

use crate::app::App;
use crate::audit::Event;
use crate::domain::persistent_login::PersistentLoginId;
use crate::service::access::{LoginRequest, ProfileRequest};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::transaction;
use crate::tables::persistent_login;

/// Deletes the login; one that does not exist is deleted already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_TICKETS on the tenant of an existing login.
pub async fn delete(
    app: &App,
    caller: Caller,
    id: String,
) -> Result<(), Error<PersistentLoginRefusal>> {
    let request = LoginRequest::new(app, caller, id)?;
    if transaction::read(app, |txn| request.authorize_delete(txn))?.is_none() {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        if let Some((caller, login)) = request.authorize_delete(txn)? {
            let context = request.context.as_caller(caller);
            context.delete_and_record(txn, Event::Delete, &login)?;
        }
        Ok(())
    })
    .await
}

/// Deletes the logins of a profile but the one with the id `except`. Returns the number of those that were
/// valid.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_TICKETS on its tenant, in
/// this order.
pub async fn delete_by_profile(
    app: &App,
    caller: Caller,
    profile_id: String,
    except: Option<PersistentLoginId>,
) -> Result<usize, Error<PersistentLoginRefusal>> {
    let request = ProfileRequest::new(app, caller, profile_id);
    transaction::read(app, |txn| request.authorize_manage(txn).map(drop))?;
    transaction::write(app, move |txn| {
        let (caller, profile_id, profile) = request.authorize_manage(txn)?;
        let context = request.context.as_caller(caller);
        let mut logins =
            persistent_login::of_profile(txn, profile_id, usize::MAX)?.unwrap_or_default();
        logins.retain(|login| Some(login.id) != except);
        let owner = (profile.tenant, profile_id);
        context
            .delete_and_record_many(txn, Event::Delete, owner, &logins)
            .map_err(Into::into)
    })
    .await
}
