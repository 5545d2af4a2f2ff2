//! Verification tokens end because nobody used them in time.

use crate::app::App;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::tables::verification_token::{BY_CREATION, remove_until};

/// Removes a bounded number of verification tokens that have expired, and returns how many.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Failure> {
    let Some(context) = OpContext::as_cleaner(app) else {
        return Ok(0);
    };
    let max_age = app.config.verification_tokens.verification_token_max_age;
    let now = &context.now;
    let newest = now.timeline.moment(now.time().minus(max_age));
    if !app.store.read(|txn| BY_CREATION.any_until(txn, newest))? {
        return Ok(0);
    }
    let count_max = app.config.jobs.cleaner_batch_max.get();
    app.store
        .write_in_background(move |txn| remove_until(txn, newest, count_max))
        .await
}
