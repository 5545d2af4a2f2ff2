//! Background work: one list of jobs, each in a loop of its own.

mod batches;
pub mod clock;
mod job;
mod persistent_login;
mod summaries;

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::app::App;
use crate::jobs::clock::{CheckClock, SaveClock};
use crate::jobs::job::Job;
use crate::jobs::persistent_login::{ExpireLogins, RemoveEnded, RemoveSurplus};
use crate::jobs::summaries::LogSummaries;

/// Every job.
fn all() -> Vec<Box<dyn Job>> {
    vec![
        Box::<CheckClock>::default(),
        Box::new(SaveClock),
        Box::new(LogSummaries),
        Box::<ExpireLogins>::default(),
        Box::new(RemoveEnded),
        Box::<RemoveSurplus>::default(),
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

async fn repeat(app: Arc<App>, mut job: Box<dyn Job>) {
    loop {
        if let Err(failure) = job.run(&app).await {
            tracing::warn!(job = job.name(), %failure, "background work failed");
        }
        sleep(job.interval(&app.config)).await;
    }
}
