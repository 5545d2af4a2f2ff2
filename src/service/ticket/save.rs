//! The last requests of tickets are brought into the database.

use crate::app::App;
use crate::clock::timeline::Moment;
use crate::error::Failure;
use crate::tables::ticket;
use crate::tables::ticket::key::TicketKey;

/// How many requests one transaction saves.
const BATCH_MAX: usize = 256;

/// Saves what was requested so far.
///
/// # Errors
///
/// Failures of the storage: what was not saved is tried again the next time.
pub async fn save_requests(app: &App) -> Result<(), Failure> {
    let unsaved = app.ticket_requests.unsaved();
    for batch in unsaved.chunks(BATCH_MAX) {
        match save(app, batch).await {
            // A page that cannot be read is that of one of them.
            Err(Failure::Unreadable(_) | Failure::Corrupt(_)) => {
                for request in batch {
                    match save(app, &[*request]).await {
                        Err(Failure::Unreadable(_) | Failure::Corrupt(_)) => {
                            app.ticket_requests.saved(&[*request]);
                        }
                        saved => saved?,
                    }
                }
            }
            saved => saved?,
        }
    }
    Ok(())
}

async fn save(app: &App, batch: &[(TicketKey, Moment)]) -> Result<(), Failure> {
    let requests = batch.to_vec();
    app.store
        .write(move |txn| {
            for (key, last_request) in &requests {
                // One that has ended meanwhile stays so.
                ticket::put_request(txn, *key, *last_request)?;
            }
            Ok(())
        })
        .await?;
    app.ticket_requests.saved(batch);
    Ok(())
}
