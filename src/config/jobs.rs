//! Background work.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count, duration};

/// Background work.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct JobConfig {
    /// Interval at which expired logins are removed from the database
    #[arg(long, env = "REMEMBERD_CLEANER_INTERVAL", value_name = "DURATION",
          default_value = "30s", value_parser = duration, hide_short_help = true)]
    pub cleaner_interval: Duration,

    /// Most logins that are checked at each interval for having been unused too long, or being beyond the cap
    #[arg(long, env = "REMEMBERD_CLEANER_WALK_MAX", value_name = "COUNT",
          default_value = "4096", value_parser = count, hide_short_help = true)]
    pub cleaner_walk_max: NonZeroUsize,

    /// Most expired logins that are removed in one transaction
    #[arg(long, env = "REMEMBERD_CLEANER_BATCH_MAX", value_name = "COUNT",
          default_value = "64", value_parser = count, hide_short_help = true)]
    pub cleaner_batch_max: NonZeroUsize,
}
