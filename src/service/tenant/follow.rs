//! The profiles of a tenant follow its changes, and its end, in bounded transactions of background work.
//!
//! What counts was decided by the transaction of the change: no read shows a profile without it. Nothing is lost if
//! this work is cut off: it begins anew and finds what is left to do.

use std::ops::ControlFlow;

use tokio::task::yield_now;

use crate::app::{App, Phase};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::ended as ended_profiles;
use crate::tables::profile::of_tenant::{self, is_behind};
use crate::tables::{ended_tenants, profile, tenant};

/// How many profiles are looked at before other work of the thread is done.
const PROFILES_PER_STEP: usize = 256;

/// Rewrites the profiles of every tenant with pending sweeps, and then drops these. Returns how many profiles were
/// rewritten.
///
/// # Errors
///
/// Failures of the storage.
pub async fn carry_out_sweeps(app: &App) -> Result<usize, Failure> {
    let mut rewritten = 0;
    for (name, id, revision) in app.store.read(tenant::swept)? {
        // A profile that is written after this has all sweeps up to this revision: none comes behind the walk that
        // lacks one.
        let walk = change_all(app, name.clone(), |txn, _, id| of_tenant::rewrite(txn, id));
        let Some(count) = walk.await? else {
            return Ok(rewritten);
        };
        rewritten += count;
        app.store
            .write_in_background(move |txn| tenant::drop_sweeps(txn, &name, id, revision))
            .await?;
    }
    Ok(rewritten)
}

/// Removes what is left of the profiles of deleted tenants. Returns how many profiles were removed.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_ended(app: &App) -> Result<usize, Failure> {
    let ended = app.store.read(ended_tenants::all)?;
    let mut removed = 0;
    for name in ended.tenants() {
        let Some(era) = ended.of(name)? else {
            continue;
        };
        // No profile of an earlier era is created any more: none comes behind the walk.
        let walk = change_all(app, name.clone(), |txn, name, id| {
            ended_profiles::remove(txn, name, id).map(drop)
        });
        let Some(count) = walk.await? else {
            return Ok(removed);
        };
        removed += count;
        let name = name.clone();
        app.store
            .write_in_background(move |txn| ended_tenants::forget(txn, &name, era))
            .await?;
    }
    Ok(removed)
}

/// Calls `change` with every profile of the tenant that has not followed it, in bounded transactions. Returns how
/// many there were; `None` if the server stops before the end.
async fn change_all(
    app: &App,
    name: TenantName,
    change: fn(&WriteTxn, &TenantName, ObjectId) -> Result<(), Failure>,
) -> Result<Option<usize>, Failure> {
    let batch_max = app.config.jobs.cleaner_batch_max.get();
    let (mut after, mut changed) = (None::<String>, 0);
    let mut is_any_unreadable = false;
    loop {
        if app.phase() == Phase::Draining {
            return Ok(None);
        }
        let (ids, next) = app.store.read(|txn| {
            let mut seen = Vec::new();
            let next = profile::visit_tenant(txn, &name, after.as_deref(), |entry| {
                match entry {
                    Ok(id) => seen.push(id),
                    Err(failure) => {
                        tracing::warn!(%failure, "an entry of the index by username is passed over");
                        is_any_unreadable = true;
                    }
                }
                if seen.len() < batch_max.min(PROFILES_PER_STEP) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            Ok((behind(txn, &name, seen)?, next))
        })?;
        changed += change_batch(app, &name, ids, change).await?;
        match next {
            Some(next) => after = Some(next),
            None if is_any_unreadable => break,
            None => return Ok(Some(changed)),
        }
    }
    // The profiles of entries that cannot be read are found among all others.
    let mut after = None;
    loop {
        if app.phase() == Phase::Draining {
            return Ok(None);
        }
        let (ids, next) = app.store.read(|txn| {
            let seen = profile::ids_after(txn, after, batch_max.min(PROFILES_PER_STEP))?;
            let next = seen.last().copied();
            Ok((behind(txn, &name, seen)?, next))
        })?;
        changed += change_batch(app, &name, ids, change).await?;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(Some(changed)),
        }
    }
}

/// Those of the profiles that have not followed the tenant, or theirs if it is another one.
fn behind(
    txn: &impl Read,
    tenant: &TenantName,
    ids: Vec<ObjectId>,
) -> Result<Vec<ObjectId>, Failure> {
    let mut behind = Vec::new();
    for id in ids {
        if is_behind(txn, tenant, id)? {
            behind.push(id);
        }
    }
    Ok(behind)
}

/// Calls `change` with the profiles in one transaction, if there are any. Returns how many there were.
async fn change_batch(
    app: &App,
    tenant: &TenantName,
    ids: Vec<ObjectId>,
    change: fn(&WriteTxn, &TenantName, ObjectId) -> Result<(), Failure>,
) -> Result<usize, Failure> {
    let count = ids.len();
    if ids.is_empty() {
        yield_now().await;
        return Ok(count);
    }
    let tenant = tenant.clone();
    app.store
        .write_in_background(move |txn| {
            for &id in &ids {
                match change(txn, &tenant, id) {
                    // It cannot be read, with the change or without.
                    Err(Failure::Corrupt(cause)) => {
                        tracing::warn!(cause, profile = %id, "a profile is left as it is");
                    }
                    changed => changed?,
                }
            }
            Ok(())
        })
        .await?;
    Ok(count)
}
