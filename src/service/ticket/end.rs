//! What was ended with all other tickets of a profile is removed afterwards.

use tokio::task::yield_now;

use crate::app::App;
use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::tables::ticket;
use crate::tables::ticket::ended as ended_tickets;
use crate::tables::ticket::key::TicketKey;

/// The profiles whose tickets were all ended and may be there still.
///
/// # Errors
///
/// Failures of the storage.
pub fn ended_profiles(app: &App) -> Result<Vec<ObjectId>, Failure> {
    app.store
        .read(|txn| Ok(ended_tickets::all(txn)?.profiles().collect()))
}

/// Removes the ended tickets of the profile, in bounded transactions of background work, and forgets the end with the
/// last of them. Returns how many were removed.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_ended(app: &App, profile_id: ObjectId) -> Result<usize, Failure> {
    let Some(ended) = app
        .store
        .read(|txn| ended_tickets::all(txn)?.of(profile_id))?
    else {
        return Ok(0);
    };
    let batch_max = app.config.jobs.cleaner_batch_max.get();
    let (mut after, mut removed) = (None, 0);
    loop {
        let (found, next) = app
            .store
            .read(|txn| ticket::of_profile(txn, profile_id, after, batch_max))?;
        after = next;
        let old = found.iter().filter(|ticket| ticket.era < ended);
        let batch: Vec<_> = old.map(TicketKey::of).collect();
        // Tickets that were created since are of this era or a later one, and a later end ends all that this one did:
        // so no more of them come, and at the last key none is left.
        let is_last = after.is_none();
        if batch.is_empty() && !is_last {
            yield_now().await;
            continue;
        }
        removed += app
            .store
            .write_in_background(move |txn| {
                for &key in &batch {
                    ticket::delete(txn, key)?;
                }
                if is_last {
                    ended_tickets::forget(txn, profile_id, ended)?;
                }
                Ok(batch.len())
            })
            .await?;
        if is_last {
            return Ok(removed);
        }
    }
}
