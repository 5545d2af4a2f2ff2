//! Removal of what has expired, in bounded transactions.

use crate::app::{App, Phase};
use crate::error::Failure;

/// Removes batch after batch of something that expires, until one is not full or the server stops. Returns how
/// many were removed.
pub(super) async fn remove_batches<B: Future<Output = Result<usize, Failure>>>(
    app: &App,
    remove_batch: impl Fn() -> B,
) -> Result<usize, Failure> {
    let mut removed = 0;
    loop {
        let count = remove_batch().await?;
        removed += count;
        if count < app.config.jobs.cleaner_batch_max.get() || app.phase() == Phase::Draining {
            return Ok(removed);
        }
    }
}
