//! The queue of writes and their commits.

use std::num::NonZeroUsize;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::count;

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
}
