//! Memory.

use clap::Args;

use crate::config::value::size_from;

/// Memory.
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
}
