//! The endpoints for monitoring.

use std::path::PathBuf;

use clap::Args;

use crate::config::heading::TUNING;

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
}
