//! Memory and durability.

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{size_from, switch};

/// Memory and durability.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Storage")]
pub struct StorageConfig {
    /// Memory for cached pages of the database
    #[arg(long, env = "REMEMBERD_CACHE_SIZE", value_name = "SIZE",
          default_value = "64MiB", value_parser = size_from::<{ 1 << 20 }>)]
    pub cache_size: usize,

    /// Memory for cached logins
    ///
    /// The logins that were used last are kept in it, so that a refresh need not read their records. 0 for none.
    #[arg(long, env = "REMEMBERD_LOGIN_CACHE_SIZE", value_name = "SIZE",
          default_value = "128MiB", value_parser = size_from::<0>)]
    pub login_cache_size: usize,

    /// Sync each commit twice
    ///
    /// The second sync makes recovery after a crash independent of page checksums.
    #[arg(long, env = "REMEMBERD_TWO_PHASE_COMMIT", value_parser = switch,
          help_heading = TUNING, hide_short_help = true)]
    pub two_phase_commit: bool,
}
