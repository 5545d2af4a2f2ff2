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
    /// It is created if it is missing. One server at a time can use it, and only its owner may write to it.
    #[arg(
        long,
        env = "REMEMBERD_DATA_DIR",
        value_name = "DIR",
        default_value = "data/db"
    )]
    pub data_dir: PathBuf,

    /// Refuse to create a database
    ///
    /// For a database that `rememberd init` created: a disk that is not mounted does not look like an empty server
    /// then.
    #[arg(long, env = "REMEMBERD_NO_CREATE", value_parser = switch)]
    pub no_create: bool,

    /// File of the secret keys; by default in the data directory
    ///
    /// Elsewhere, on another disk or as a credential of systemd, the database and its backups are of no use to
    /// whoever steals them. Without the file no login is valid: back it up.
    #[arg(long, env = "REMEMBERD_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Go on with a new key if one is missing
    ///
    /// The logins that need the missing key end.
    #[arg(long, env = "REMEMBERD_NEW_KEY", value_parser = switch)]
    pub new_key: bool,

    /// Believe the host's clock at this start, whatever it shows
    ///
    /// For a host whose clock is not synchronized and was ahead for so long that it was believed: without this
    /// switch, the time goes on from there. To be used once, when the clock is right.
    #[arg(long, env = "REMEMBERD_ACCEPT_CLOCK", value_parser = switch)]
    pub accept_clock: bool,

    /// JSON file to load if the database is empty
    ///
    /// Without it, an empty database begins with the tenant `default` and an access token, whose id is in a file of the
    /// data directory until it is used.
    #[arg(long, env = "REMEMBERD_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,

    /// Serve the demo's public token to other hosts
    ///
    /// The access token in `data/demo.json` is known to everyone. Without this switch, a server whose database
    /// holds it refuses to listen on an address that other hosts can reach, and requests whose `Host` is another
    /// than `localhost` or a loopback address.
    #[arg(long, env = "REMEMBERD_ALLOW_DEMO_SECRETS", value_parser = switch)]
    pub allow_demo_secrets: bool,

    /// Settings file, in TOML
    ///
    /// It has the names of the flags, without the hyphens before them, like `cache-size = "64MiB"`. Flags and variables
    /// take precedence over it. `data/rememberd.toml` is an example with every setting.
    #[arg(long, env = "REMEMBERD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}
