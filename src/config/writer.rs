//! The queue of writes and their commits.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count, duration_or_none, switch};

/// The queue of writes and their commits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct WriterConfig {
    /// Most writes in the queue for the disk; the response to one more is 503
    #[arg(long, env = "REMEMBERD_QUEUE_JOBS_MAX", value_name = "COUNT",
          default_value = "1024", value_parser = count, hide_short_help = true)]
    pub queue_jobs_max: NonZeroUsize,

    /// Most writes in one commit
    #[arg(long, env = "REMEMBERD_BATCH_JOBS_MAX", value_name = "COUNT",
          default_value = "256", value_parser = count, hide_short_help = true)]
    pub batch_jobs_max: NonZeroUsize,

    /// Sync each commit twice
    ///
    /// The second sync makes recovery after a crash independent of page checksums.
    #[arg(long, env = "REMEMBERD_TWO_PHASE_COMMIT", value_parser = switch, hide_short_help = true)]
    pub two_phase_commit: bool,

    /// Longest retrying at the start if the database cannot be read for a reason that may pass
    ///
    /// A file that is damaged or not accessible is refused at once.
    #[arg(long, env = "REMEMBERD_START_RETRY", value_name = "DURATION",
          default_value = "10s", value_parser = duration_or_none, hide_short_help = true)]
    pub start_retry: Duration,
}
