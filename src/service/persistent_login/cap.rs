//! The cap of a profile's logins: at it, a new login ends the one that was unused longest.
//!
//! Which one that is takes reading all of them. Of a profile with few logins the transaction does it that creates the
//! login. Of one with many, a walk reads them before, and the transaction looks again at a handful of candidates: one
//! that was used meanwhile is not the one unused longest any more. No other creation in such a profile comes between
//! the two. Whatever is beyond the cap all the same, after an import, where it was lowered, or because a caller left
//! before its creation was committed, is worked off in bounded steps, by each creation and by the cleaner.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::SemaphorePermit;

use crate::app::App;
use crate::audit::event::{Event, Reason};
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::service::access::{LoginOwner, ProfileRequest};
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::persistent_login::longest_unused::{Candidate, Candidates, LongestUnused};
use crate::service::persistent_login::profile_walk::ProfileWalk;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::persistent_login::validity::Validity;
use crate::service::steps::STEP_MIN;
use crate::service::transaction;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::LoginKey;

/// Of how many logins a profile may have in all for the transaction to read them.
const FEW: usize = STEP_MIN;

/// How many logins a creation ends at most.
const ENDED_PER_CREATION_MAX: usize = 16;

/// How many candidates a creation looks at again.
const CANDIDATES_PER_CREATION: usize = 64;

/// How many logins are read before a creation at most: twice the highest cap. Of more, these are a random part.
const LOGINS_READ_PER_CREATION: usize = 20_000;

/// Reads the logins of the profile, if the caller may create one; `None` if they are few. The permit is to be held
/// until the creation is committed, so that the next one counts it.
///
/// # Errors
///
/// What the caller is refused for; failures of the storage.
pub(super) async fn read_candidates<'a>(
    app: &'a App,
    request: &ProfileRequest,
    keys: &Arc<KeyRing>,
) -> Result<Option<(Candidates, SemaphorePermit<'a>)>, Error<PersistentLoginRefusal>> {
    let is_few = transaction::read(app, |txn| match request.authorize_create(txn)? {
        (_, LoginOwner::Existing(profile_id, _)) => {
            Ok(!persistent_login::has_more_than(txn, profile_id, FEW)?)
        }
        (_, LoginOwner::New(..)) => Ok(true),
    })?;
    if is_few {
        return Ok(None);
    }
    let mut longest_unused = LongestUnused::new(CANDIDATES_PER_CREATION);
    let mut count = 0;
    // Where only a part is read, every login is as likely to be in it.
    let mut walk = ProfileWalk::round_from(app, PersistentLoginId::new(app.entropy.uuid()));
    walk.exclude_others().await?;
    let permit = loop {
        let is_last = transaction::read(app, |txn| {
            let (_, LoginOwner::Existing(profile_id, _)) = request.authorize_create(txn)? else {
                // It is gone, and the one that is created in its place has no logins.
                return Ok(true);
            };
            let validity = Validity::of_profile_at(txn, &request.context, keys, profile_id)?;
            let is_last = walk.step(txn, profile_id, |usage| {
                count += 1;
                longest_unused.push(&validity, &usage);
                ControlFlow::Continue(())
            })?;
            Ok(is_last)
        })?;
        if is_last || count >= LOGINS_READ_PER_CREATION {
            break walk.into_permit();
        }
        walk.pause().await?;
    };
    Ok(permit.map(|permit| (longest_unused.into_candidates(), permit)))
}

/// Ends logins of the profile so that one more is within the cap, or as many as a creation may end. `candidates` is
/// what was read of a profile with many.
///
/// # Errors
///
/// Failures of the storage.
pub(super) fn end_surplus(
    txn: &WriteTxn,
    context: &OpContext,
    validity: &Validity,
    profile_id: ObjectId,
    cap: usize,
    candidates: Option<&Candidates>,
) -> Result<(), Failure> {
    let ended = match candidates {
        Some(candidates) => {
            let surplus = (candidates.valid + 1).saturating_sub(cap);
            let count = surplus.min(ENDED_PER_CREATION_MAX);
            still_unused(txn, validity, profile_id, &candidates.longest_unused, count)?
        }
        // If there are more by now, they came this moment.
        None => {
            let few = persistent_login::of_profile(txn, profile_id, 2 * FEW)?.unwrap_or_default();
            surplus_of(few, validity, cap)
        }
    };
    for login in &ended {
        context.delete_and_record(txn, Event::Revocation(Reason::Cap), login)?;
    }
    Ok(())
}

/// Those of all `logins` of a profile that end: the valid ones unused longest. The others take no places, and are
/// removed by the cleaner alone, which waits until the time is certain.
fn surplus_of(mut logins: Vec<LoginState>, validity: &Validity, cap: usize) -> Vec<LoginState> {
    logins.retain(|login| validity.of_login(login).is_ok());
    let surplus = (logins.len() + 1).saturating_sub(cap);
    logins.sort_by_key(|login| (login.last_used(), login.id));
    logins.truncate(surplus.min(ENDED_PER_CREATION_MAX));
    logins
}

/// `count` of the candidates that are valid: those that were not used since, and only if there are not as many, others
/// of them.
fn still_unused(
    txn: &WriteTxn,
    validity: &Validity,
    profile_id: ObjectId,
    candidates: &[Candidate],
    count: usize,
) -> Result<Vec<LoginState>, Failure> {
    let (mut found, mut used) = (Vec::new(), Vec::new());
    for &(last_used, id) in candidates {
        if found.len() == count {
            return Ok(found);
        }
        let login = persistent_login::get_at(txn, LoginKey { profile_id, id })?;
        match login.filter(|login| validity.of_login(login).is_ok()) {
            Some(login) if login.last_used() == last_used => found.push(login),
            Some(login) => used.push(login),
            None => {}
        }
    }
    used.sort_by_key(|login| (login.last_used(), login.id));
    found.extend(used.into_iter().take(count - found.len()));
    Ok(found)
}
