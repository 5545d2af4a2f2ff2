//! The log.

use clap::{Args, ValueEnum};

/// The log.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct LogConfig {
    /// Format of the log on standard error
    #[arg(
        long,
        env = "REMEMBERD_LOG_FORMAT",
        value_name = "text|json",
        default_value = "text",
        hide_possible_values = true
    )]
    pub log_format: LogFormat,

    /// Lowest level that is logged
    ///
    /// Every request is logged at `info`.
    #[arg(
        long,
        env = "REMEMBERD_LOG_LEVEL",
        value_name = "error|warn|info",
        default_value = "info",
        hide_possible_values = true
    )]
    pub log_level: LogLevel,
}

/// The format of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The least level that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what deserves attention.
    Warn,
    /// And every request.
    Info,
}
