//! The commands: what the process does from its start to its end.

mod arguments;
mod check;
mod database;
mod environment;
mod error;
mod example;
mod init;
mod key;
mod list;
mod output;
mod progress;
mod restart;
mod salvage;
mod serve;
mod signals;
mod tasks;
mod tokens;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use crate::cli::arguments::{Invocation, Origins, UsageError};
use crate::cli::error::CommandError;
use crate::cli::serve::Served;
use crate::config::Config;
use crate::config::log::LogFormat;
use crate::logging::{self, Log};
use crate::server::descriptors;

/// The exit code of a command line that is not valid.
const USAGE_ERROR: u8 = 2;

/// The exit code of a check that found damage, of a copy that is not complete, and of a server that failed.
const FAILED: u8 = 1;

/// The exit code of a check or a copy that could not be carried out.
const NOT_DONE: u8 = 2;

/// Does what the command line `arguments`, with the program's name first, asks for. Returns the exit code of
/// the process.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    // Otherwise the command reports it, if it needs that many.
    if descriptors::reserve_least().is_ok() {
        // Without it, the default applies: a write beyond the limit ends the process.
        let _ = signals::ignore_file_size_signal();
    }
    // Standard output or error may be closed; the exit code still reports the outcome.
    let code = match arguments::parse(&arguments) {
        Ok(invocation) => {
            let failed = match invocation {
                Invocation::Check { .. } | Invocation::Salvage { .. } => ExitCode::from(NOT_DONE),
                Invocation::Serve(..) | Invocation::Init(..) | Invocation::RotateKey { .. } => {
                    ExitCode::FAILURE
                }
            };
            run(invocation).unwrap_or_else(|error| {
                let _ = writeln!(io::stderr(), "rememberd: {error}");
                failed
            })
        }
        Err(UsageError::Help(text)) => {
            let _ = write!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(UsageError::Invalid(text)) => {
            report_usage_error(&arguments, &text);
            ExitCode::from(USAGE_ERROR)
        }
    };
    output::finish();
    code
}

/// A person gets the text as it is. In a log of JSON it is one line, like any other.
fn report_usage_error(arguments: &[OsString], text: &str) {
    match arguments::log_settings(arguments) {
        Some(log) if log.log_format == LogFormat::Json => {
            let error = text.strip_prefix("error: ").unwrap_or(text);
            logging::report(&log, error.trim_end());
        }
        Some(_) | None => {
            let _ = write!(io::stderr(), "{text}");
        }
    }
}

fn run(invocation: Invocation) -> Result<ExitCode, CommandError> {
    let is_fine = match invocation {
        Invocation::Serve(config, origins) => serve(*config, &origins),
        Invocation::Init(config, origins) => {
            let log = start_log(&config)?;
            let reserved = descriptors::reserve_least()
                .map_err(|missing| CommandError::new("cannot start", missing));
            if or_report(reserved, &log).is_none() {
                return Ok(ExitCode::from(FAILED));
            }
            let runtime = runtime()?;
            let created = runtime.block_on(init::init(*config, &origins));
            Ok(or_report(created, &log).is_some())
        }
        Invocation::Check { path, key_file } => check::run(&path, key_file.as_deref()),
        Invocation::Salvage { from, to, key_file } => salvage::run(&from, &to, key_file.as_deref()),
        Invocation::RotateKey { data_dir, key_file } => {
            let added = key::rotate(&key::path(&data_dir, key_file.as_deref()))?;
            // The key is added, whether anybody reads this or not.
            let _ = writeln!(io::stdout(), "{added}");
            Ok(true)
        }
    }?;
    Ok(if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// Serves until the end. Returns whether that succeeded; why not is in the log.
fn serve(config: Config, origins: &Origins) -> Result<bool, CommandError> {
    let log = start_log(&config)?;
    // Without them there may be no runtime either.
    if or_report(serve::reserve(&config, origins), &log).is_none() {
        return Ok(false);
    }
    let runtime = runtime()?;
    let log_config = config.log.clone();
    let served = runtime.block_on(serve::serve(config, origins));
    match or_report(served, &log) {
        None => Ok(false),
        Some(Served::Ended) => Ok(true),
        Some(Served::Restarts(restart)) => {
            // What is buffered would be lost.
            drop(log);
            let restarted = runtime.block_on(restart.run());
            Ok(restarted
                .inspect_err(|error| logging::report(&log_config, &error.to_string()))
                .is_ok())
        }
    }
}

/// What a command came to, if it succeeded. Why it failed is reported in the log, which has a format, and is not
/// awaited if nobody reads standard error.
fn or_report<T>(outcome: Result<T, CommandError>, log: &Log) -> Option<T> {
    outcome
        .inspect_err(|error| log.report(&error.to_string()))
        .ok()
}

/// Starts the log of a command with settings, which is written for as long as it is not dropped.
fn start_log(config: &Config) -> Result<Log, CommandError> {
    let log =
        logging::start(&config.log).map_err(|error| CommandError::io("cannot start", &error))?;
    environment::warn_of_unknown();
    Ok(log)
}

/// What a command with settings runs on.
fn runtime() -> Result<Runtime, CommandError> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| CommandError::io("cannot start", &error))
}
