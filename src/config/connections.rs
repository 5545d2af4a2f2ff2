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
    /// response. Those that are closing do not count, and are a quarter as many at most.
    #[arg(long, env = "REMEMBERD_CONNECTIONS_MAX", value_name = "COUNT",
          default_value = "512", value_parser = count)]
    pub connections_max: NonZeroUsize,

    /// Time until an idle connection is closed
    #[arg(long, env = "REMEMBERD_IDLE_TIMEOUT", value_name = "DURATION",
          default_value = "75s", value_parser = duration)]
    pub idle_timeout: Duration,

    /// Time to finish requests at a stop
    ///
    /// Connections that are still open after it are closed.
    #[arg(long, env = "REMEMBERD_DRAIN_TIMEOUT", value_name = "DURATION",
          default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,
}
