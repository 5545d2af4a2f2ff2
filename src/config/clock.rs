//! How far the host's clock is believed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::heading::TUNING;
use crate::config::value::{duration, duration_or_none, write_interval};

/// How far the host's clock is believed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct ClockConfig {
    /// Whether the host's clock is synchronized
    ///
    /// `auto` is what the kernel reports, which a time daemon tells it. `yes` is for a host whose clock is kept right
    /// otherwise: a step of it is believed at once.
    #[arg(
        long,
        env = "REMEMBERD_CLOCK_SYNCHRONIZED",
        value_name = "WHETHER",
        default_value = "auto",
        hide_short_help = true
    )]
    pub clock_synchronized: ClockSynchronized,

    /// For how long a clock that is not synchronized must have held a later time to be believed
    #[arg(long, env = "REMEMBERD_CLOCK_HOLD", value_name = "DURATION",
          default_value = "10m", value_parser = duration, hide_short_help = true)]
    pub clock_hold: Duration,

    /// Interval at which the host's clock is compared with the time
    #[arg(long, env = "REMEMBERD_CLOCK_CHECK_INTERVAL", value_name = "DURATION",
          default_value = "1s", value_parser = duration, hide_short_help = true)]
    pub clock_check_interval: Duration,

    /// Interval at which the time is saved, for a host that boots with a wrong clock
    #[arg(long, env = "REMEMBERD_CLOCK_SAVE_INTERVAL", value_name = "DURATION",
          default_value = "60s", value_parser = write_interval, hide_short_help = true)]
    pub clock_save_interval: Duration,

    /// For how long an expired login stays in the database, so that a wrong clock deletes nothing
    ///
    /// Time in which the host runs and its clock does not jump counts.
    #[arg(long, env = "REMEMBERD_EXPIRED_KEPT_FOR", value_name = "DURATION",
          default_value = "1h", value_parser = duration_or_none, hide_short_help = true)]
    pub expired_kept_for: Duration,
}

/// Whether the host's clock is synchronized.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ClockSynchronized {
    /// As the kernel reports
    Auto,
    /// It is
    Yes,
    /// It is not
    No,
}

impl ClockSynchronized {
    /// Whether it is; `None` for what the kernel reports.
    pub fn known(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Yes => Some(true),
            Self::No => Some(false),
        }
    }
}
