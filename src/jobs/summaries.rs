//! Logs once a minute what happens again and again.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::config::Config;
use crate::jobs::job::{Job, Run};
use crate::logging::repeated::Taken;

/// How often is looked for summaries that are due.
const INTERVAL: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct LogSummaries;

impl Job for LogSummaries {
    fn name(&self) -> &'static str {
        "log summaries"
    }

    fn interval(&self, _: &Config) -> Duration {
        INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            app.log_summaries(Taken::Due, Instant::now());
            Ok(())
        })
    }
}
