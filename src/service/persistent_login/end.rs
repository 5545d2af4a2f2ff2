//! All logins of a profile end at once: the user signs out everywhere, or one of them is in other hands.
//!
//! Few are removed by the transaction that ends them. Where there are many, it writes one row that ends them with its
//! commit, and they are removed afterwards, in transactions of background work. A crash in between leaves some that
//! are ended, and the removal begins anew.

use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::task::yield_now;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::service::persistent_login::profile_walk::ProfileWalk;
use crate::service::persistent_login::validity::{Invalid, Validity};
use crate::service::steps::STEP_MIN;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;
use crate::tables::persistent_login::ended;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::profile::login_block::{self, LoginBlock};

/// How many logins, valid or not, the transaction removes that ends them; more are removed afterwards.
const FEW: usize = STEP_MIN;

/// How many ended logins are looked for before other work of the thread is done.
const LOGINS_PER_STEP: usize = 256;

/// An end of all logins of a profile.
pub(super) struct EndOfProfile {
    /// The tenant and the profile.
    pub(super) owner: (TenantName, ObjectId),
    /// The login that goes on.
    pub(super) except: Option<PersistentLoginId>,
    /// What it is in the audit log.
    pub(super) event: Event,
}

/// The number of valid logins of a profile with many, but `except`; `None` if they are so few that ending them counts
/// them. Those that come and go meanwhile may be counted or not.
///
/// # Errors
///
/// Failures of the storage.
pub(super) async fn count_many(
    app: &App,
    context: &OpContext,
    keys: &Arc<KeyRing>,
    profile_id: ObjectId,
    except: Option<PersistentLoginId>,
) -> Result<Option<usize>, Failure> {
    let has_many = |txn: &_| persistent_login::has_more_than(txn, profile_id, FEW);
    if !app.store.read(has_many)? {
        return Ok(None);
    }
    let mut count = 0;
    let mut walk = ProfileWalk::new(app);
    while !app.store.read(|txn| {
        let validity = Validity::of_profile_at(txn, context, keys, profile_id)?;
        walk.step(txn, profile_id, |usage| {
            let is_counted = Some(usage.id) != except && validity.of(&usage).is_ok();
            count += usize::from(is_counted);
            ControlFlow::Continue(())
        })
    })? {
        walk.pause().await?;
    }
    Ok(Some(count))
}

impl EndOfProfile {
    /// Ends the logins and records it once. `counted` is their number if they are many. Returns the number of those
    /// that were valid; `None`, and nothing is done, if they are many and were not counted.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn apply(
        &self,
        txn: &WriteTxn,
        context: &OpContext,
        keys: &Arc<KeyRing>,
        counted: Option<usize>,
    ) -> Result<Option<usize>, Failure> {
        let (_, profile_id) = self.owner;
        if let Some(few) = persistent_login::of_profile(txn, profile_id, FEW)? {
            let validity = Validity::of_profile_at(txn, context, keys, profile_id)?;
            return self.remove_few(txn, context, &validity, few).map(Some);
        }
        if let Some(count) = counted {
            self.end_many(txn, context, keys, count)?;
        }
        Ok(counted)
    }

    fn remove_few(
        &self,
        txn: &WriteTxn,
        context: &OpContext,
        validity: &Validity,
        logins: Vec<LoginState>,
    ) -> Result<usize, Failure> {
        let (mut valid, mut expired) = (0, 0);
        for login in logins {
            if Some(login.id) == self.except {
                continue;
            }
            match validity.of_login(&login) {
                Ok(()) => valid += 1,
                Err(Invalid::Expired) => expired += 1,
                Err(Invalid::Ended | Invalid::KeyMissing) => {}
            }
            persistent_login::delete(txn, &login)?;
        }
        let owner = || Some(self.owner.clone());
        context.record_many(txn, self.event, valid as u64, owner());
        context.record_many(txn, Event::Expiry, expired, owner());
        Ok(valid)
    }

    /// Ends the logins, of which `count` are valid, by one row.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn end_many(
        &self,
        txn: &WriteTxn,
        context: &OpContext,
        keys: &Arc<KeyRing>,
        count: usize,
    ) -> Result<(), Failure> {
        let (_, profile_id) = self.owner;
        // A login that had ended before must not come back by being excepted now.
        let except = match self.except {
            Some(id) => {
                let validity = Validity::at(txn, context, keys, profile_id)?;
                let login = persistent_login::get_at(txn, LoginKey { profile_id, id })?;
                let login = login.filter(|login| validity.of_login(login) != Err(Invalid::Ended));
                login.map(|login| login.id)
            }
            None => None,
        };
        ended::end_all(txn, profile_id, except)?;
        context.record_many(txn, self.event, count as u64, Some(self.owner.clone()));
        Ok(())
    }
}

/// The profiles whose logins were all ended and may be there still.
///
/// # Errors
///
/// Failures of the storage.
pub fn ended_profiles(app: &App) -> Result<Vec<ObjectId>, Failure> {
    app.store
        .read(|txn| Ok(ended::all(txn)?.profiles().collect()))
}

/// Removes the ended logins of the profile, in bounded transactions of background work, and forgets the end with the
/// last of them. Returns how many were removed.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_ended(app: &App, profile_id: ObjectId) -> Result<usize, Failure> {
    let Some(end) = app.store.read(|txn| ended::all(txn)?.of(profile_id))? else {
        return Ok(0);
    };
    let batch_max = app.config.jobs.cleaner_batch_max.get();
    let (mut after, mut batch, mut removed) = (None, Vec::new(), 0);
    loop {
        let mut count = 0;
        after = app.store.read(|txn| {
            persistent_login::visit_profile(txn, profile_id, after, true, |usage| {
                count += 1;
                if end.has_ended(usage.id, usage.era) {
                    batch.push(usage.id);
                }
                if batch.len() == batch_max || count == LOGINS_PER_STEP {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        })?;
        if after.is_some() && batch.len() < batch_max {
            yield_now().await;
            continue;
        }
        // Logins that were created since are of this era or a later one, and a later end ends all that this one did:
        // so no more of them come, and at the last key none is left.
        let (ids, is_last) = (mem::take(&mut batch), after.is_none());
        removed += app
            .store
            .write_in_background(move |txn| {
                let mut removed = 0;
                for &id in &ids {
                    let key = LoginKey { profile_id, id };
                    if let Some(login) = persistent_login::get_at(txn, key)? {
                        persistent_login::delete(txn, &login)?;
                        removed += 1;
                    }
                }
                if is_last {
                    ended::forget(txn, profile_id, end)?;
                    forget_gone(txn, profile_id)?;
                }
                Ok(removed)
            })
            .await?;
        if is_last {
            return Ok(removed);
        }
    }
}

/// Forgets that the profile is gone, if it has no login any more that this would block.
fn forget_gone(txn: &WriteTxn, profile_id: ObjectId) -> Result<(), Failure> {
    let is_gone = login_block::get(txn, profile_id)? == Some(LoginBlock::Gone);
    if is_gone && !persistent_login::has_more_than(txn, profile_id, 0)? {
        login_block::put(txn, profile_id, None)?;
    }
    Ok(())
}
