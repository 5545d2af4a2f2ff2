//! The log.

use clap::{Args, ValueEnum};

use crate::config::heading::TUNING;

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

    /// Lowest level of the audit log; by default that of the log
    ///
    /// `info` is every event, and `warn` what deserves attention: a token that was used twice, and the login that this
    /// ended, among others. So `--log-level warn --audit-log-level info` logs every event of a login, and no request
    /// that succeeded.
    #[arg(
        long,
        env = "REMEMBERD_AUDIT_LOG_LEVEL",
        value_name = "error|warn|info",
        hide_possible_values = true,
        hide_short_help = true,
        help_heading = TUNING
    )]
    pub audit_log_level: Option<LogLevel>,

    /// Whether each line begins with its priority
    ///
    /// `<3>` is an error, `<4>` a warning and `<6>` another line, as journald reads it; lines of text have no time
    /// then, which journald adds. `auto` is for a process whose standard error systemd connected to the journal.
    #[arg(
        long,
        env = "REMEMBERD_LOG_PRIORITY",
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true,
        hide_short_help = true,
        help_heading = TUNING
    )]
    pub log_priority: LogPriority,
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

/// Whether lines have priorities.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogPriority {
    /// If journald reads them.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}
