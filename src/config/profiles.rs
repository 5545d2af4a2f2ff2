//! How much a profile may hold.

use std::num::NonZeroUsize;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count_to, size_from};

/// A count above it is a typing error: all roles of a profile are in one record.
const ROLES_MAX: usize = 10_000;

/// How much a profile may hold.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct ProfileConfig {
    /// Most roles of a profile
    #[arg(long, env = "REMEMBERD_ROLE_COUNT_MAX", value_name = "COUNT",
          default_value = "256", value_parser = count_to::<ROLES_MAX>, hide_short_help = true)]
    pub role_count_max: NonZeroUsize,

    /// Largest attributes of a profile, all of them together
    #[arg(long, env = "REMEMBERD_ATTRIBUTES_SIZE_MAX", value_name = "SIZE",
          default_value = "64KiB", value_parser = size_from::<1>, hide_short_help = true)]
    pub attributes_size_max: usize,
}
