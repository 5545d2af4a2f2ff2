//! The locks of profiles that failed sign-ins led to.

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::clock::Timestamp;
use crate::clock::timeline::Now;
use crate::domain::object_id::ObjectId;
use crate::domain::sign_in::{FailedSignIns, SignInRules};
use crate::error::Failure;
use crate::service::authentication::authenticate::rules;
use crate::service::caller::Caller;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::transaction;
use crate::tables::sign_in;

/// How many profiles with failed sign-ins a page is made of at most.
const PAGE_PROFILES: usize = 1_000;

/// A part of the profiles that are locked.
#[derive(Debug)]
pub struct LockedPage {
    /// Their ids, and until when each is locked.
    pub locked: Vec<(ObjectId, Timestamp)>,
    /// After which id the next page begins; `None` if this is the last one.
    pub next: Option<ObjectId>,
}

/// The profiles of all tenants that are locked, those after `after` in the order of their ids.
///
/// # Errors
///
/// Failures of the storage.
pub fn locked(app: &App, after: Option<ObjectId>) -> Result<LockedPage, Failure> {
    let (now, rules) = (app.clock.now(), rules(&app.config.passwords));
    let mut locked = Vec::new();
    let next = app.store.read(|txn| {
        sign_in::walk(txn, after, PAGE_PROFILES, |id, failures| {
            locked.extend(lock_end(failures, &now, &rules).map(|end| (id, end)));
        })
    })?;
    Ok(LockedPage { locked, next })
}

/// Until when the profile with this id is locked; `None` if it is not, or if its failed sign-ins cannot be read.
///
/// # Errors
///
/// Refuses an unknown profile.
pub fn locked_until(app: &App, id: String) -> Checked<Option<Timestamp>> {
    let request = SingleProfileRequest::new(app, Caller::LocalOperator, id);
    let rules = rules(&app.config.passwords);
    transaction::read(app, |txn| {
        let (_, profile) = request.authorize(txn)?;
        let failures = Failure::unless_corrupt(sign_in::get(txn, profile.id).map(Some))?;
        Ok(failures.and_then(|failures| lock_end(failures, &request.context.now, &rules)))
    })
}

/// Ends the lock of the profile with this id, and forgets the failed sign-ins that led to it. One that has none is left
/// as it is.
///
/// # Errors
///
/// Refuses an unknown profile.
pub async fn unlock(app: &App, id: String) -> Checked<()> {
    let request = SingleProfileRequest::new(app, Caller::LocalOperator, id);
    transaction::read(app, |txn| request.authorize(txn).map(drop))?;
    transaction::write(app, move |txn| {
        let (caller, profile) = request.authorize(txn)?;
        if sign_in::forget(txn, profile.id)? {
            let context = request.context.as_caller(caller);
            context.record_subject(txn, Event::UnlockProfile, Subject::from(&profile));
        }
        Ok(())
    })
    .await
}

fn lock_end(failures: FailedSignIns, now: &Now, rules: &SignInRules) -> Option<Timestamp> {
    let left = failures.locked_for(now, rules)?;
    Some(now.time().plus(left))
}
