//! Every setting and every limit: its flag, its environment variable, its default, its unit and its text.
//!
//! Each setting is defined once, as a field in the file of its topic. `--help` and `guide/settings.md` are
//! generated from that definition: the first paragraph of a field's comment is its text in `-h`, the whole
//! comment is its text in `--help` and in the guide. Values are checked where they are read, so that an invalid
//! one is refused by the name of its flag; the rest of the crate relies on them.
//!
//! What not everybody needs is hidden from `-h`: mails, and what stands under the heading [`TUNING`](heading::TUNING).
//! The topics that have settings under the latter come last in [`Config`], because clap orders the headings by their
//! first setting.

mod attachments;
mod backup;
mod clock;
mod connections;
pub mod data;
mod heading;
mod http;
mod jobs;
mod journal;
pub mod listen_address;
pub mod log;
pub mod logins;
pub mod mail;
mod monitoring;
pub mod passwords;
mod profiles;
pub mod requests;
mod seed;
mod storage;
pub mod throttle;
mod tickets;
pub mod toml;
pub mod value;
mod verification_tokens;
mod writer;

#[cfg(test)]
mod guide;
#[cfg(test)]
mod tests;

use clap::{Args, Command, Parser};

use crate::config::attachments::AttachmentConfig;
use crate::config::backup::BackupConfig;
use crate::config::clock::ClockConfig;
use crate::config::connections::ConnectionConfig;
use crate::config::data::DataConfig;
use crate::config::http::HttpConfig;
use crate::config::jobs::JobConfig;
use crate::config::journal::JournalConfig;
use crate::config::log::LogConfig;
use crate::config::logins::LoginConfig;
use crate::config::mail::MailConfig;
use crate::config::monitoring::MonitoringConfig;
use crate::config::passwords::PasswordConfig;
use crate::config::profiles::ProfileConfig;
use crate::config::requests::RequestConfig;
use crate::config::seed::SeedConfig;
use crate::config::storage::StorageConfig;
use crate::config::throttle::ThrottleConfig;
use crate::config::tickets::TicketConfig;
use crate::config::verification_tokens::VerificationTokenConfig;
use crate::config::writer::WriterConfig;

/// What stands below the list of settings in `-h`.
pub const SHORT_HELP_NOTE: &str = "\
DURATION is one like 15d, SIZE one like 64KiB. For variables, mail, tuning and more see --help.";

/// What stands below the list of settings in `--help`.
pub const HELP_NOTE: &str = "\
DURATION is a number with a unit, like 500ms, 30s or 15d. SIZE is one like 64KiB or 1GiB.
Each setting can also be an environment variable, like REMEMBERD_DATA_DIR for --data-dir.";

/// Settings of `rememberd serve`.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// The data directory and what it begins with.
    #[command(flatten)]
    pub data: DataConfig,
    /// Where requests are accepted.
    #[command(flatten)]
    pub http: HttpConfig,
    /// The rules of persistent logins.
    #[command(flatten)]
    pub logins: LoginConfig,
    /// How long and how many connections are open.
    #[command(flatten)]
    pub connections: ConnectionConfig,
    /// Memory.
    #[command(flatten)]
    pub storage: StorageConfig,
    /// Mails to the owners of profiles.
    #[command(flatten)]
    pub mail: MailConfig,
    /// Backups by schedule.
    #[command(flatten)]
    pub backup: BackupConfig,
    /// The log.
    #[command(flatten)]
    pub log: LogConfig,
    /// How a seed file is read.
    #[command(flatten)]
    pub seed: SeedConfig,
    /// The rules of tickets.
    #[command(flatten)]
    pub tickets: TicketConfig,
    /// The rules of verification tokens.
    #[command(flatten)]
    pub verification_tokens: VerificationTokenConfig,
    /// Limits of one request, and the threads that serve them.
    #[command(flatten)]
    pub requests: RequestConfig,
    /// How passwords are hashed, and what a wrong one costs.
    #[command(flatten)]
    pub passwords: PasswordConfig,
    /// How often a client may guess, and how it is told from others.
    #[command(flatten)]
    pub throttle: ThrottleConfig,
    /// The endpoints for monitoring.
    #[command(flatten)]
    pub monitoring: MonitoringConfig,
    /// How much a profile may hold.
    #[command(flatten)]
    pub profiles: ProfileConfig,
    /// Limits of attachments.
    #[command(flatten)]
    pub attachments: AttachmentConfig,
    /// The queue of writes and their commits.
    #[command(flatten)]
    pub writer: WriterConfig,
    /// The journal of rotations.
    #[command(flatten)]
    pub journal: JournalConfig,
    /// How far the host's clock is believed.
    #[command(flatten)]
    pub clock: ClockConfig,
    /// Background work.
    #[command(flatten)]
    pub jobs: JobConfig,
}

impl Config {
    /// The definitions of all settings, as the arguments of a command.
    pub fn definitions() -> Command {
        Self::augment_args(Command::new("settings"))
    }

    /// The settings in `flags`, with the environment and the defaults for the rest.
    ///
    /// # Errors
    ///
    /// For an unknown flag or an invalid value.
    pub fn from_flags(flags: &[&str]) -> Result<Self, clap::Error> {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            config: Config,
        }
        let program = ["rememberd"];
        Flags::try_parse_from(program.iter().chain(flags)).map(|flags| flags.config)
    }
}
