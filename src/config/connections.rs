//! How long and how many connections are open.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::config::value::{count, duration};

/// How long and how many connections are open.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionConfig {
    /// Most open connections
    ///
    /// At the limit, a new connection closes one that has waited long for its client, or another one after its
    /// response. Those that are closing, and some while all others are new, come on top: a quarter as many at most.
    #[arg(long, env = "REMEMBERD_CONNECTIONS_MAX", value_name = "COUNT",
          default_value = "512", value_parser = count)]
    pub connections_max: NonZeroUsize,

    /// Time until an idle connection is closed
    #[arg(long, env = "REMEMBERD_IDLE_TIMEOUT", value_name = "DURATION",
          default_value = "75s", value_parser = duration)]
    pub idle_timeout: Duration,

    /// Longest time that a stop takes
    ///
    /// It finishes the requests under way and closes the database. Connections that are still open when a fifth of this
    /// time is left, or two seconds, are closed. After it the process ends in any case, with the exit code 1 if the
    /// database could not be closed.
    #[arg(long, env = "REMEMBERD_DRAIN_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,
}

/// How much of the time that a stop takes is kept for closing the database, at most.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

impl ConnectionConfig {
    /// How long connections have to finish at a stop.
    pub fn finish_timeout(&self) -> Duration {
        let close_time = (self.drain_timeout / 5).min(CLOSE_TIME_MAX);
        self.drain_timeout - close_time
    }
}
