//! Logins end because they are too old, or were not used for too long.

use std::sync::Arc;

use crate::app::App;
use crate::audit::{Event, Reason};
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::{self, BY_CREATION};

/// Deletes a bounded number of logins that have expired by their age, oldest first. Returns how many there
/// were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Failure> {
    let context = OpContext::as_system(app);
    let newest = context.now.minus(context.lifetime.max_age);
    if !app.store.read(|txn| BY_CREATION.any_until(txn, newest))? {
        return Ok(0);
    }
    let count_max = app.config.jobs.cleaner_batch_max.get();
    app.store
        .write(move |txn| {
            let ids = BY_CREATION.take_until(txn, newest, count_max)?;
            for id in &ids {
                let id = PersistentLoginId::new(*id);
                if let Some(login) = persistent_login::remove_expired(txn, id)? {
                    context.record(txn, Event::Expiry, &login);
                }
            }
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
    let keys = Arc::clone(app.keys.get()?);
    let end = |login: &LoginState, context: &OpContext, keys: &KeyRing| {
        if !login.has_key(keys) {
            return Some(Event::Revocation(Reason::KeyMissing));
        }
        let is_expired = login.is_expired(context.now, context.lifetime);
        is_expired.then_some(Event::Expiry)
    };
    let walk_max = app.config.jobs.cleaner_walk_max.get();
    let mut ended = Vec::new();
    let next = app.store.read(|txn| {
        persistent_login::walk(txn, after, walk_max, |login| {
            if end(&login, &context, &keys).is_some() {
                ended.push(LoginKey::of(&login));
            }
        })
    })?;
    for batch in ended.chunks(app.config.jobs.cleaner_batch_max.get()) {
        let (context, keys, batch) = (context.clone(), Arc::clone(&keys), batch.to_vec());
        app.store
            .write(move |txn| {
                for key in &batch {
                    // It may have been used since it was seen.
                    if let Some(login) = persistent_login::get_at(txn, *key)?
                        && let Some(event) = end(&login, &context, &keys)
                    {
                        context.delete_and_record(txn, event, &login)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(next)
}
