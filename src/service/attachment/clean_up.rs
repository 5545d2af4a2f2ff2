//! Removes what is left of attachments: the content of those that were replaced or deleted and of uploads that were
//! refused or cut off, and the attachments of deleted profiles, in bounded transactions of background work.
//!
//! Background work pauses while others write. So uploads remove some too: the file would grow by all that they replace.
//!
//! Nothing is lost if this work is cut off: it begins anew and finds what is left to do.

use crate::app::{App, Phase};
use crate::domain::attachment::BlobId;
use crate::error::Failure;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::attachment::{chunk, deleted, orphan};

/// How many chunks are removed in one transaction: half a MiB.
const CHUNKS_PER_BATCH: usize = 8;

/// How many orphans are looked at together.
const ORPHANS_PER_STEP: usize = 64;

/// How many chunks are removed for each that is uploaded: more than that, so that they become fewer.
const CHUNKS_PER_UPLOADED: usize = 2;

/// Removes the attachments of deleted profiles; their content is left to [`remove_orphans`]. Returns how many there
/// were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_of_deleted(app: &App) -> Result<usize, Failure> {
    let batch_max = app.config.jobs.cleaner_batch_max.get();
    let mut removed = 0;
    while let Some(profile_id) = app.store.read(deleted::first)? {
        if app.phase() == Phase::Draining {
            break;
        }
        let work = move |txn: &_| deleted::remove_some(txn, profile_id, batch_max);
        removed += app.store.write_in_background(work).await?;
    }
    Ok(removed)
}

/// Removes the content that no attachment has and that is not in use. Returns of how many attachments or uploads it
/// was.
///
/// # Errors
///
/// Failures of the storage.
pub async fn remove_orphans(app: &App) -> Result<usize, Failure> {
    let (mut after, mut removed) = (None, 0);
    loop {
        let some = app
            .store
            .read(|txn| orphan::some_after(txn, after, ORPHANS_PER_STEP))?;
        let Some(last) = some.last().copied() else {
            return Ok(removed);
        };
        for blob in some {
            if app.phase() == Phase::Draining {
                return Ok(removed);
            }
            if app.uploads.blobs.contains(blob) {
                continue;
            }
            remove_blob(app, blob).await?;
            removed += 1;
        }
        after = Some(last);
    }
}

async fn remove_blob(app: &App, blob: BlobId) -> Result<(), Failure> {
    loop {
        let work = move |txn: &_| remove_some(txn, blob, CHUNKS_PER_BATCH);
        if app.store.write_in_background(work).await? < CHUNKS_PER_BATCH {
            return Ok(());
        }
    }
}

/// Submits to the writer that some content is removed that no attachment has and that is not in use, if there is any:
/// it is of the same commit as the chunk of `uploaded` that is submitted next. The returned future is ready after it.
/// What fails is left to [`remove_orphans`].
pub(super) fn remove_beside(app: &App, uploaded: BlobId) -> impl Future<Output = ()> + use<> {
    let submitted = some_orphan(app, uploaded).map(|blob| {
        app.store
            .write(move |txn| remove_some(txn, blob, CHUNKS_PER_UPLOADED))
    });
    async {
        if let Some(submitted) = submitted {
            let _ = submitted.await;
        }
    }
}

/// An orphan that is not in use, if one is found soon. It is searched from `first` on, which is random.
fn some_orphan(app: &App, first: BlobId) -> Option<BlobId> {
    [Some(first), None].into_iter().find_map(|after| {
        let some = app
            .store
            .read(|txn| orphan::some_after(txn, after, ORPHANS_PER_STEP));
        let mut some = some.unwrap_or_default().into_iter();
        some.find(|blob| !app.uploads.blobs.contains(*blob))
    })
}

/// Removes at most `count_max` chunks of the blob, if no attachment has it, and forgets it with the last. Returns how
/// many there were.
fn remove_some(txn: &WriteTxn, blob: BlobId, count_max: usize) -> Result<usize, Failure> {
    // It may have been published since it was found.
    if !orphan::contains(txn, blob)? {
        return Ok(0);
    }
    let count = chunk::remove_some(txn, blob, count_max)?;
    if count < count_max {
        orphan::remove(txn, blob)?;
    }
    Ok(count)
}
