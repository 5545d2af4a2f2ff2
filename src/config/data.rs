//! The data directory, and what an empty database begins with.

use std::path::PathBuf;

use clap::Args;

use crate::config::value::switch;

/// The data directory, and what an empty database begins with.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct DataConfig {
    /// Directory of the database
    ///
    /// It is created if it is missing. One server at a time can use it.
    #[arg(
        long,
        env = "REMEMBERD_DATA_DIR",
        value_name = "DIR",
        default_value = "data/db"
    )]
    pub data_dir: PathBuf,

    /// JSON file to load if the database is empty
    ///
    /// Without it, an empty database begins with the tenant `default` and an access token, whose id is printed
    /// once.
    #[arg(long, env = "REMEMBERD_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,

    /// Serve the demo's public token to other hosts
    ///
    /// The access token in `data/demo.json` is known to everyone. Without this switch, a server whose database
    /// holds it refuses to listen on an address that other hosts can reach.
    #[arg(long, env = "REMEMBERD_ALLOW_DEMO_SECRETS", value_parser = switch)]
    pub allow_demo_secrets: bool,
}
