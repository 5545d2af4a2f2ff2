//! The cleaner works off what a profile has beyond the cap: after an import, or where the cap was lowered.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::task::yield_now;

use crate::app::App;
use crate::audit::event::{Event, Reason};
use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::service::persistent_login::longest_unused::LongestUnused;
use crate::service::persistent_login::profile_walk::ProfileWalk;
use crate::service::persistent_login::validity::Validity;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::LoginKey;

/// How many keys are read before other work of the thread is done.
const KEYS_PER_STEP: usize = 1_024;

/// How many logins one pass over a profile removes at most: each takes a few bytes of memory meanwhile.
const REMOVED_PER_PASS_MAX: usize = 8_192;

/// A search for profiles with more logins than the cap, which goes through all logins again and again.
#[derive(Default)]
pub struct SurplusSearch {
    after: Option<LoginKey>,
    /// How many logins of the profile of `after` were counted.
    counted: usize,
}

impl SurplusSearch {
    /// Counts the next bounded number of logins. Returns the profiles that turn out to have more than the cap, valid
    /// or not.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub async fn advance(&mut self, app: &App) -> Result<Vec<ObjectId>, Failure> {
        let cap = app.config.logins.logins_per_profile_max.get();
        let mut left = app.config.jobs.cleaner_walk_max.get();
        let mut found = Vec::new();
        while left > 0 {
            let step = left.min(KEYS_PER_STEP);
            let mut read = 0;
            app.store.read(|txn| {
                persistent_login::visit_keys(txn, self.after, |key| {
                    read += 1;
                    if self.count(key, cap) {
                        found.push(key.profile_id);
                        // Its other logins need not be counted.
                        self.after = Some(LoginKey::last_of(key.profile_id));
                        return ControlFlow::Break(());
                    }
                    if read < step {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                })
            })?;
            if read == 0 {
                *self = Self::default();
                break;
            }
            left -= read;
            yield_now().await;
        }
        Ok(found)
    }

    /// Counts the login with this key. Returns whether it is one more than the cap.
    fn count(&mut self, key: LoginKey, cap: usize) -> bool {
        let is_next = self
            .after
            .is_some_and(|after| after.profile_id == key.profile_id);
        self.counted = if is_next { self.counted + 1 } else { 1 };
        self.after = Some(key);
        self.counted == cap + 1
    }
}

/// Removes valid logins of the profile, those unused longest first, until as many are left as the cap, but a bounded
/// number, in bounded transactions. Returns how many were removed; one that is used meanwhile stays.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_surplus(app: &App, profile_id: ObjectId) -> Result<usize, Failure> {
    let context = OpContext::as_system(app);
    let keys = Arc::clone(app.keys.get()?);
    let mut longest_unused = LongestUnused::new(REMOVED_PER_PASS_MAX);
    let mut walk = ProfileWalk::new(app).without_corrupt();
    while !app.store.read(|txn| {
        let validity = Validity::at(txn, &context, &keys, profile_id)?;
        walk.step(txn, profile_id, |usage| {
            longest_unused.push(&validity, &usage);
            ControlFlow::Continue(())
        })
    })? {
        walk.pause().await?;
    }
    drop(walk);
    let candidates = longest_unused.into_candidates();
    let surplus = candidates
        .valid
        .saturating_sub(app.config.logins.logins_per_profile_max.get());
    let ended = &candidates.longest_unused[..surplus.min(candidates.longest_unused.len())];
    let mut removed = 0;
    for batch in ended.chunks(app.config.jobs.cleaner_batch_max.get()) {
        let (context, keys, batch) = (context.clone(), Arc::clone(&keys), batch.to_vec());
        removed += app
            .store
            .write_in_background(move |txn| {
                let validity = Validity::at(txn, &context, &keys, profile_id)?;
                let mut removed = 0;
                let mut owner = None;
                for &(last_used, id) in &batch {
                    let key = LoginKey { profile_id, id };
                    if let Some(login) = persistent_login::get_at(txn, key)?
                        && login.last_used() == last_used
                        && validity.of_login(&login).is_ok()
                    {
                        persistent_login::delete(txn, &login)?;
                        removed += 1;
                        owner = Some((login.tenant, profile_id));
                    }
                }
                let event = Event::Revocation(Reason::Cap);
                context.record_many(txn, event, removed as u64, owner);
                Ok(removed)
            })
            .await?;
    }
    Ok(removed)
}
