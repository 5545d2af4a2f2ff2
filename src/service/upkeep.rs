//! What is done once at the start, and what goes on in the background: expired logins are removed, the
//! newest known time is saved.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::app::{App, Phase};
use crate::error::Failure;
use crate::service::persistent_login::expire::{delete_expired, delete_idle};
use crate::tables::meta;
use crate::tables::persistent_login::key::LoginKey;

/// Removes expired logins and saves the newest known time, each at its interval, until dropped.
pub async fn run(app: Arc<App>) {
    let mut clean = every(app.config.jobs.cleaner_interval);
    let mut save = every(app.config.jobs.clock_save_interval);
    // What was committed before this began, by a seed file for one, is to be saved too.
    let mut commits_saved = 0;
    let mut walked_to = None;
    loop {
        tokio::select! {
            _ = clean.tick() => {
                if let Err(failure) = clean_up(&app, &mut walked_to).await {
                    tracing::warn!(%failure, "removing expired logins failed");
                }
            }
            _ = save.tick() => {
                // Without a commit no stored time is newer than the mark.
                let commits = app.store.commits();
                if commits == commits_saved {
                    continue;
                }
                match save_newest_time(&app).await {
                    // Saving is a commit of its own.
                    Ok(()) => commits_saved = commits + 1,
                    Err(failure) => tracing::warn!(%failure, "saving the newest time failed"),
                }
            }
        }
    }
}

/// Holds the clock to the newest time that the database remembers.
///
/// # Errors
///
/// Failures of the storage.
pub fn restore_newest_time(app: &App) -> Result<(), Failure> {
    let newest = app.store.read(meta::newest_time)?;
    if let Some(newest) = newest {
        app.clock.raise_to(newest);
    }
    Ok(())
}

/// Gives the audit log the database's key for its fingerprints, which is made up once.
///
/// # Errors
///
/// Failures of the storage.
pub async fn prepare_audit_log(app: &App) -> Result<(), Failure> {
    let known = app.store.read(meta::fingerprint_key)?;
    let key = match known {
        Some(key) => key,
        None => {
            let key = app.entropy.bytes();
            app.store
                .write(move |txn| meta::put_fingerprint_key(txn, &key))
                .await?;
            key
        }
    };
    app.audit.set_key(&key);
    Ok(())
}

/// Saves the time now as the newest known one.
///
/// # Errors
///
/// Failures of the storage.
pub async fn save_newest_time(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    app.store
        .write(move |txn| meta::put_newest_time(txn, now))
        .await
}

/// Removes what has expired, in bounded transactions with room for others between them.
async fn clean_up(app: &App, walked_to: &mut Option<LoginKey>) -> Result<(), Failure> {
    let mut removed = 0;
    loop {
        let count = delete_expired(app).await?;
        removed += count;
        if count < app.config.jobs.cleaner_batch_max.get() || app.phase() == Phase::Draining {
            break;
        }
    }
    if removed > 0 {
        tracing::info!(removed, "removed expired logins");
    }
    if app.config.logins.persistent_login_idle_max.is_some() {
        *walked_to = delete_idle(app, *walked_to).await?;
    }
    Ok(())
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
