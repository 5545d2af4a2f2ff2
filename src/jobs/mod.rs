//! Background work: one loop over one list.

mod batches;
pub mod clock;
mod job;
mod persistent_login;

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use crate::app::App;
use crate::jobs::clock::SaveClock;
use crate::jobs::job::Job;
use crate::jobs::persistent_login::ExpireLogins;

/// Every job.
fn all() -> Vec<Box<dyn Job>> {
    vec![Box::<ExpireLogins>::default(), Box::<SaveClock>::default()]
}

/// Runs every job at once, and then each at its interval, until dropped.
pub async fn run(app: Arc<App>) {
    let mut jobs: Vec<_> = all().into_iter().map(|job| (Instant::now(), job)).collect();
    loop {
        let next = jobs.iter_mut().min_by_key(|(due, _)| *due);
        let (due, job) = next.expect("there are jobs");
        sleep_until(*due).await;
        if let Err(failure) = job.run(&app).await {
            tracing::warn!(job = job.name(), %failure, "background work failed");
        }
        *due = Instant::now() + job.interval(&app.config);
    }
}
