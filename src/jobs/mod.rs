//! Background work: one list of jobs, each in a loop of its own.

mod attachment;
mod backup;
mod batches;
pub mod clock;
mod job;
pub mod mail;
mod persistent_login;
mod space;
mod summaries;
mod tenant;
mod ticket;
mod verification_token;

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::app::App;
use crate::error::Failure;
use crate::jobs::attachment::RemoveAttachments;
use crate::jobs::backup::MakeBackups;
use crate::jobs::clock::{CheckClock, SaveClock};
use crate::jobs::job::Job;
use crate::jobs::persistent_login::{ExpireLogins, RemoveEnded, RemoveSurplus};
use crate::jobs::space::MeasureSpace;
use crate::jobs::summaries::LogSummaries;
use crate::jobs::tenant::{CarryOutSweeps, RemoveEndedTenants};
use crate::jobs::ticket::{ExpireTickets, RemoveEndedTickets, SaveRequests};
use crate::jobs::verification_token::ExpireVerificationTokens;
use crate::service::ticket::save::save_requests;

/// Every job.
fn all() -> Vec<Box<dyn Job>> {
    vec![
        Box::<CheckClock>::default(),
        Box::new(SaveClock),
        Box::new(LogSummaries),
        Box::new(MeasureSpace),
        Box::<ExpireLogins>::default(),
        Box::new(RemoveEnded),
        Box::new(CarryOutSweeps),
        Box::new(RemoveEndedTenants),
        Box::<RemoveSurplus>::default(),
        Box::new(SaveRequests),
        Box::new(ExpireTickets),
        Box::new(RemoveEndedTickets),
        Box::new(RemoveAttachments),
        Box::new(ExpireVerificationTokens),
        Box::<MakeBackups>::default(),
    ]
}

/// Runs every job at once, and then each at its interval, until dropped. A run may take long where there is much to
/// do, and delays no other job.
pub async fn run(app: Arc<App>) {
    let mut running = JoinSet::new();
    for job in all() {
        running.spawn(repeat(Arc::clone(&app), job));
    }
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }
}

/// Ends the backup that is being made, and saves what is in memory alone, at the end of a run.
///
/// # Errors
///
/// Failures of the storage.
pub async fn stop(app: &App) -> Result<(), Failure> {
    // It has a snapshot of the file open, with which the database cannot be closed.
    app.backups.stop().await;
    let saved = save_requests(app).await;
    clock::stop(app).await?;
    saved
}

async fn repeat(app: Arc<App>, mut job: Box<dyn Job>) {
    loop {
        if let Err(failure) = job.run(&app).await {
            tracing::warn!(job = job.name(), %failure, "background work failed");
        }
        sleep(job.interval(&app.config)).await;
    }
}
