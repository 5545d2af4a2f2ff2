//! Measures how much of the database's file is in use, for monitoring.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::spawn_blocking;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::job::{Job, Run};
use crate::storage::data_dir::database_path;
use crate::storage::pages::file::PageFile;

/// How often it is measured: that reads about a hundredth of the file.
const INTERVAL: Duration = Duration::from_secs(15 * 60);

/// See the module.
pub(super) struct MeasureSpace;

impl Job for MeasureSpace {
    fn name(&self) -> &'static str {
        "measure space"
    }

    fn interval(&self, _: &Config) -> Duration {
        INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let path = database_path(&app.config.data.data_dir);
            // Reading it may wait for the disk.
            let measured = spawn_blocking(move || Ok(PageFile::open(&path)?.used_bytes()));
            let measured = measured.await.map_err(|error| {
                Failure::Internal(format!("the file was not measured: {error}"))
            })?;
            if let Some(bytes) = measured? {
                let metrics = &app.metrics.database_used_bytes;
                metrics.store(bytes, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}
