//! Logins end because they are too old, or were not used for too long.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::{Event, Reason};
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::tables::persistent_login::ended::EndedLogins;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::{self, BY_CREATION, ended};

/// Deletes a bounded number of logins that have expired by their age, oldest first. Returns how many there
/// were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Failure> {
    let Some(context) = OpContext::as_cleaner(app) else {
        return Ok(0);
    };
    let now = &context.now;
    let newest = now
        .timeline
        .moment(now.time().minus(context.lifetime.max_age));
    if !app.store.read(|txn| BY_CREATION.any_until(txn, newest))? {
        return Ok(0);
    }
    let count_max = app.config.jobs.cleaner_batch_max.get();
    app.store
        .write_in_background(move |txn| {
            let ids = BY_CREATION.take_until(txn, newest, count_max)?;
            let ended = ended::all(txn)?;
            let mut expired = 0;
            for id in &ids {
                let id = PersistentLoginId::new(*id);
                // One that was ended before is recorded already.
                if let Some(login) = persistent_login::remove_expired(txn, id)?
                    && ended.have(login.profile_id, id, login.era) != Ok(true)
                    && ended.together().have(&login.tenant, login.era) != Ok(true)
                {
                    expired += 1;
                }
            }
            context.record_many(txn, Event::Expiry, expired, None);
            Ok(ids.len())
        })
        .await
}

/// Deletes those that have been unused for too long, or whose key is missing, among the next bounded number of
/// logins after `after`, in the order of their keys. Returns the key to go on after; `None` once the end was
/// reached.
///
/// There is no index by last use, since every rotation would have to move its entry: so they are found by
/// walking over all logins, a few at a time.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_idle(app: &App, after: Option<LoginKey>) -> Result<Option<LoginKey>, Failure> {
    let context = OpContext::as_system(app);
    let cleaner = OpContext::as_cleaner(app);
    let keys = Arc::clone(app.keys.get()?);
    let walk_max = app.config.jobs.cleaner_walk_max.get();
    let mut found = Vec::new();
    let next = app.store.read(|txn| {
        let ended = ended::all(txn)?;
        persistent_login::walk(txn, after, walk_max, |login| {
            if End::of(&login, cleaner.as_ref(), &keys, &ended).is_some() {
                found.push(LoginKey::of(&login));
            }
        })
    })?;
    for batch in found.chunks(app.config.jobs.cleaner_batch_max.get()) {
        let (context, keys, batch) = (context.clone(), Arc::clone(&keys), batch.to_vec());
        let cleaner = cleaner.clone();
        let deleted = app
            .store
            .write_in_background(move |txn| {
                let ended = ended::all(txn)?;
                let (mut expired, mut without_key) = (0, 0);
                for key in &batch {
                    // It may have been used since it was seen.
                    if let Some(login) = persistent_login::get_at(txn, *key)?
                        && let Some(end) = End::of(&login, cleaner.as_ref(), &keys, &ended)
                    {
                        persistent_login::delete(txn, &login)?;
                        match end {
                            End::Expired => expired += 1,
                            End::KeyMissing => without_key += 1,
                        }
                    }
                }
                let key_missing = Event::Revocation(Reason::KeyMissing);
                context.record_many(txn, Event::Expiry, expired, None);
                context.record_many(txn, key_missing, without_key, None);
                Ok(())
            })
            .await;
        match deleted {
            // Logins on pages that cannot be read, which is logged, or beside them: those of other batches go.
            Ok(()) | Err(Failure::Unreadable(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(next)
}

/// Why a login that did not end with all others of its profile may be deleted.
enum End {
    Expired,
    KeyMissing,
}

impl End {
    /// `cleaner` is `None` if nothing is deleted for its age yet.
    fn of(
        login: &LoginState,
        cleaner: Option<&OpContext>,
        keys: &KeyRing,
        ended: &EndedLogins,
    ) -> Option<Self> {
        if ended.have(login.profile_id, login.id, login.era) != Ok(false)
            || ended.together().have(&login.tenant, login.era) != Ok(false)
        {
            // It ended with them, or whether it did is unreadable.
            None
        } else if cleaner.is_some_and(|context| login.is_expired(&context.now, context.lifetime)) {
            Some(Self::Expired)
        } else if login.has_key(keys) {
            None
        } else {
            Some(Self::KeyMissing)
        }
    }
}
