//! Saves the time, so that it does not run backwards on a host that boots with a wrong clock.

use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::job::{Job, Run};
use crate::tables::meta;

/// Saves the newest known time, if anything was committed since.
#[derive(Default)]
pub(super) struct SaveClock {
    /// How many commits there were when it was saved last. What was committed before the first run, by a seed
    /// file for one, is to be saved too.
    commits: u64,
}

impl Job for SaveClock {
    fn name(&self) -> &'static str {
        "saving the newest time"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.clock_save_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            // Without a commit no stored time is newer than the saved one.
            let commits = app.store.commits();
            if commits != self.commits {
                save(app).await?;
                // Saving is a commit of its own.
                self.commits = commits + 1;
            }
            Ok(())
        })
    }
}

/// Makes the clock go on from the newest time in the database, at least.
///
/// # Errors
///
/// Failures of the storage.
pub fn restore(app: &App) -> Result<(), Failure> {
    let newest = app.store.read(meta::newest_time)?;
    if let Some(newest) = newest {
        app.clock.raise_to(newest);
    }
    Ok(())
}

/// Saves the time now as the newest known one.
///
/// # Errors
///
/// Failures of the storage.
pub async fn save(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    app.store
        .write(move |txn| meta::put_newest_time(txn, now))
        .await
}
