//! Logins end because they are too old, or were not used for too long.

use crate::app::App;
use crate::audit::Event;
use crate::domain::persistent_login::PersistentLogin;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::Place;

/// Deletes a bounded number of logins that have expired by their age, oldest first. Returns how many there
/// were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Failure> {
    let context = OpContext::as_system(app);
    let newest = context.now.minus(context.lifetime.max_age);
    let any = |txn: &_| persistent_login::any_created_until(txn, newest);
    if !app.store.read(any)? {
        return Ok(0);
    }
    let count_max = app.config.cleaner_batch_max.get();
    app.store
        .write(move |txn| {
            let (logins, count) = persistent_login::delete_created_until(txn, newest, count_max)?;
            for login in &logins {
                context.record(txn, Event::Expiry, login);
            }
            Ok(count)
        })
        .await
}

/// Deletes those that have been unused for too long among the next bounded number of logins after `after`,
/// in the order of their keys. Returns the key to go on after; `None` once the end was reached.
///
/// There is no index by last use, since every rotation would have to move its entry: so they are found by
/// walking over all logins, a few at a time.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_idle(app: &App, after: Option<Place>) -> Result<Option<Place>, Failure> {
    let context = OpContext::as_system(app);
    let is_expired = |login: &PersistentLogin, context: &OpContext| {
        login.is_expired(context.now, context.lifetime)
    };
    let walk_max = app.config.cleaner_walk_max.get();
    let mut idle = Vec::new();
    let next = app.store.read(|txn| {
        persistent_login::walk(txn, after, walk_max, |login| {
            if is_expired(&login, &context) {
                idle.push(Place::of(&login));
            }
        })
    })?;
    for places in idle.chunks(app.config.cleaner_batch_max.get()) {
        let (context, places) = (context.clone(), places.to_vec());
        app.store
            .write(move |txn| {
                for place in places {
                    let found = persistent_login::get_at(txn, place)?;
                    // It may have been used since it was seen.
                    if let Some(login) = found.filter(|login| is_expired(login, &context)) {
                        context.delete_and_record(txn, Event::Expiry, &login)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(next)
}
