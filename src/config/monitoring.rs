//! The endpoints for monitoring.

use std::path::PathBuf;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::switch;

/// The endpoints for monitoring.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct MonitoringConfig {
    /// File with the management token, with which `/api/1/monitoring` is served; without it these endpoints are 404
    ///
    /// Its first line is the token, of 16 bytes at least. The file is read at start.
    #[arg(
        long,
        env = "REMEMBERD_MANAGEMENT_TOKEN_FILE",
        value_name = "FILE",
        hide_short_help = true
    )]
    pub management_token_file: Option<PathBuf>,

    /// Serve `/metrics` for Prometheus, to everybody who can connect
    ///
    /// Metrics have no secret, no user and no name of an application, but they show how many logins there are and what
    /// goes wrong. Keep the path from the public in the proxy. Without this, it is 404, but over the local socket.
    #[arg(long, env = "REMEMBERD_METRICS", value_parser = switch, hide_short_help = true)]
    pub metrics: bool,
}
