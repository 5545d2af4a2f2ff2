//! Backups by schedule.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::heading::BACKUPS;
use crate::config::value::{count, write_interval};

/// Backups by schedule.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = BACKUPS)]
pub struct BackupConfig {
    /// Directory in which a backup is made at each interval; without it none is made by schedule
    ///
    /// It must exist, and should be on another disk. A backup holds the key file too, if that is in the data directory.
    #[arg(
        long,
        env = "REMEMBERD_BACKUP_DIR",
        value_name = "DIR",
        hide_short_help = true
    )]
    pub backup_dir: Option<PathBuf>,

    /// Interval at which backups are made
    ///
    /// After a restart the next one is due by the age of the newest one in the directory.
    #[arg(long, env = "REMEMBERD_BACKUP_INTERVAL", value_name = "DURATION",
          default_value = "1d", value_parser = write_interval, hide_short_help = true)]
    pub backup_interval: Duration,

    /// How many backups are kept; after each good one, the oldest are removed
    #[arg(long, env = "REMEMBERD_BACKUP_KEEP", value_name = "COUNT",
          default_value = "7", value_parser = count, hide_short_help = true)]
    pub backup_keep: NonZeroUsize,
}
