//! Makes backups by schedule.

use std::path::{self, Path};
use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::config::Config;
use crate::error::{Failure, describe};
use crate::jobs::job::{Job, Run};
use crate::service::backup::schedule::{free_path_at, newest, remove_left, remove_old};
use crate::service::backup::start::{source, start_scheduled};
use crate::service::error::Error;

/// How often it is looked whether a backup is due, at most.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// How long after one that failed the next one is made, at least: it costs as much as one that succeeds.
const RETRY_PAUSE: Duration = Duration::from_secs(600);

/// Makes a backup where the newest one is older than the interval, and removes the oldest ones.
#[derive(Default)]
pub(super) struct MakeBackups {
    /// When the last one failed.
    failed: Option<Instant>,
}

impl Job for MakeBackups {
    fn name(&self) -> &'static str {
        "making backups"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.backup.backup_interval.min(LOOK_INTERVAL)
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let Some(directory) = &app.config.backup.backup_dir else {
                return Ok(());
            };
            if let Err(failure) = self.make(app, directory).await {
                self.failed = Some(Instant::now());
                // The same message as of one that has begun: an alert looks for one.
                let directory = directory.display();
                tracing::warn!(%directory, %failure, "a backup failed");
            }
            Ok(())
        })
    }
}

impl MakeBackups {
    async fn make(&mut self, app: &App, directory: &Path) -> Result<(), Failure> {
        let config = &app.config.backup;
        let pause = RETRY_PAUSE.min(config.backup_interval);
        if self.failed.is_some_and(|failed| failed.elapsed() < pause) {
            return Ok(());
        }
        let directory = path::absolute(directory)
            .map_err(|error| Failure::unusable_file(directory, describe(&error)))?;
        let now = app.clock.now().time();
        let source = source(app)?;
        let is_own = |path: &Path| source.as_ref().is_some_and(|source| source.is_of(path));
        if let Some(newest) = newest(&directory, now, &is_own)? {
            app.backups.note_good(newest);
            if now.since(newest) < config.backup_interval {
                return Ok(());
            }
        }
        if let Err(failure) = remove_left(&directory) {
            // It takes space, and nothing else.
            tracing::warn!(%failure, "what a backup left that was killed cannot be removed");
        }
        let number = match start_scheduled(app, free_path_at(&directory, now)) {
            Ok(number) => number,
            // The next look finds one that is made by hand ended.
            Err(Error::Refused(_)) => return Ok(()),
            Err(Error::Failed(failure)) => return Err(failure),
        };
        app.backups.wait().await;
        let ended = app.backups.ended(number);
        // Why it failed is logged.
        if ended.is_none_or(|ended| ended.outcome.is_err()) {
            self.failed = Some(Instant::now());
            return Ok(());
        }
        self.failed = None;
        match remove_old(&directory, config.backup_keep.get(), now, &is_own) {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old backups were removed"),
            // The backup is good, and the next one removes them.
            Err(failure) => tracing::warn!(%failure, "old backups cannot be removed"),
        }
        Ok(())
    }
}
