//! How a seed file is read.

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::switch;

/// How a seed file is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct SeedConfig {
    /// Refuse a seed file with entries that belong to nothing
    ///
    /// Without this switch, a profile of a tenant that is not in the file, and what belongs to a profile that is not in
    /// it, is skipped, and a warning has the number of such entries.
    #[arg(long, env = "REMEMBERD_SEED_STRICT", value_parser = switch, hide_short_help = true)]
    pub seed_strict: bool,
}
