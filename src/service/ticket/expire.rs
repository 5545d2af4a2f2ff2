//! Tickets end because nobody requests them any more.

use std::sync::Arc;

use crate::app::App;
use crate::domain::ticket::is_expired;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::tables::ticket::{self, BY_REQUEST};

/// Looks at a bounded number of tickets that the index has as expired, and removes those that have. Returns how many it
/// looked at.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Failure> {
    let Some(context) = OpContext::as_cleaner(app) else {
        return Ok(0);
    };
    let idle_max = app.config.tickets.ticket_idle_max;
    let now = &context.now;
    let newest = now.timeline.moment(now.time().minus(idle_max));
    if !app.store.read(|txn| BY_REQUEST.any_until(txn, newest))? {
        return Ok(0);
    }
    let count_max = app.config.jobs.cleaner_batch_max.get();
    let requests = Arc::clone(&app.ticket_requests);
    app.store
        .write_in_background(move |txn| {
            ticket::remove_until(txn, newest, count_max, |ticket| {
                let last = requests.last_in_write(ticket);
                (!is_expired(last, &context.now, idle_max)).then_some(last)
            })
        })
        .await
}
