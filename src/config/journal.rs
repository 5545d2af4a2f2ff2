//! The journal of rotations.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count, duration};

/// The journal of rotations.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct JournalConfig {
    /// Pending rotations, about, that the journal holds before they are applied to the records of their logins;
    /// by default 200 times the square root of the number of logins, at most a third of that number
    #[arg(long, env = "REMEMBERD_JOURNAL_TARGET", value_name = "COUNT", value_parser = count,
          hide_short_help = true)]
    pub journal_target: Option<NonZeroUsize>,

    /// Least number of pending rotations that are applied together
    #[arg(long, env = "REMEMBERD_JOURNAL_APPLY_MIN", value_name = "COUNT",
          default_value = "64", value_parser = count, hide_short_help = true)]
    pub journal_apply_min: NonZeroUsize,

    /// Time without a write after which all pending rotations are applied
    #[arg(long, env = "REMEMBERD_JOURNAL_IDLE_AFTER", value_name = "DURATION",
          default_value = "1s", value_parser = duration, hide_short_help = true)]
    pub journal_idle_after: Duration,
}
