//! What a command with settings runs on: its log, and the runtime of its tasks.

use tokio::runtime::{Builder, Runtime};

use crate::cli::error::CommandError;
use crate::cli::settings::environment;
use crate::config::Config;
use crate::logging::{self, Log};

/// Starts the log of a command with settings, which is written for as long as it is not dropped.
///
/// # Errors
///
/// If the log cannot be started.
pub fn start_log(config: &Config) -> Result<Log, CommandError> {
    let log =
        logging::start(&config.log).map_err(|error| CommandError::io("cannot start", &error))?;
    environment::warn_of_unknown();
    Ok(log)
}

/// What a command with settings runs on.
///
/// # Errors
///
/// Those of the operating system.
pub fn runtime() -> Result<Runtime, CommandError> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| CommandError::io("cannot start", &error))
}

/// What a command came to, if it succeeded. Why it failed is reported in the log, which has a format, and is not
/// awaited if nobody reads standard error.
pub fn or_report<T>(outcome: Result<T, CommandError>, log: &Log) -> Option<T> {
    outcome
        .inspect_err(|error| log.report(&error.to_string()))
        .ok()
}
