//! Logins end because somebody signs out, here or everywhere.

use std::sync::Arc;
use std::time::Instant;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::persistent_login::PersistentLoginId;
use crate::service::access::{LoginRequest, ProfileRequest};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::end::{EndOfProfile, count_many};
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::profile::{ExpectedOwner, ProfileSelector};
use crate::service::transaction;

/// Deletes the login; one that does not exist is deleted already, unless its owner is `expected`.
///
/// # Errors
///
/// Refuses an invalid caller, one without MANAGE_TICKETS on the tenant of an existing login, and with `expected` a
/// login that does not exist or is of somebody else, before that.
pub async fn delete(
    app: &App,
    caller: Caller,
    id: String,
    expected: Option<Box<ExpectedOwner>>,
) -> Result<(), Error<PersistentLoginRefusal>> {
    let request = LoginRequest::new(app, caller, id)?.expecting(expected);
    let (caller, login) = transaction::read(app, |txn| request.authorize_delete(txn))?;
    if login.is_none() {
        if !request.has_id() {
            // The response is the same as for a login that is gone. Only the log says that the visitor, whose login
            // goes on, was hardly signed out.
            app.warnings
                .malformed_delete(&caller.application, Instant::now());
        }
        return Ok(());
    }
    transaction::write(app, move |txn| {
        if let (caller, Some(login)) = request.authorize_delete(txn)? {
            let context = request.context.as_caller(caller);
            context.delete_and_record(txn, Event::Delete, &login)?;
        }
        Ok(())
    })
    .await
}

/// Ends the logins of a profile but the one with the id `except`. Returns the number of those that were valid; where
/// they are many, those that come and go at the same moment may be counted or not.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_TICKETS on its tenant, in
/// this order; with a username, an unknown profile comes last.
pub async fn delete_by_profile(
    app: &App,
    caller: Caller,
    profile: ProfileSelector,
    except: Option<PersistentLoginId>,
) -> Result<usize, Error<PersistentLoginRefusal>> {
    let request = Arc::new(ProfileRequest::new(app, caller, profile));
    let keys = app.keys.get()?;
    let (_, profile_id, _) = transaction::read(app, |txn| request.authorize_manage(txn))?;
    loop {
        let counted = count_many(app, &request.context, keys, profile_id, except).await?;
        let (request, keys) = (Arc::clone(&request), Arc::clone(keys));
        let ended = transaction::write(app, move |txn| {
            let (caller, profile_id, profile) = request.authorize_manage(txn)?;
            let end = EndOfProfile {
                owner: (profile.tenant, profile_id),
                except,
                event: Event::Delete,
            };
            let context = request.context.as_caller(caller);
            Ok(end.apply(txn, &context, &keys, counted)?)
        })
        .await?;
        // If there were few when they were counted and many when they were to end, they are counted again.
        if let Some(count) = ended {
            return Ok(count);
        }
    }
}
