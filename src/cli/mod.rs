//! The commands: what the process does from its start to its end.

mod admin;
mod arguments;
mod backup;
mod check;
mod command;
mod compact;
mod completions;
mod config;
mod database;
mod error;
mod export;
mod healthcheck;
mod import;
mod init;
mod key;
mod line_file;
mod local;
mod man;
mod note;
mod owner;
mod process;
mod restore;
mod salvage;
mod serve;
mod settings;
mod terminal;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::arguments::UsageError;
use crate::cli::command::{CliCommand, FAILED, NOT_DONE};
use crate::cli::process::signals::ignore_file_size_signal;
use crate::config::log::LogFormat;
use crate::logging;
use crate::server::descriptors;

/// Every command, in the order of the help.
static COMMANDS: [CliCommand; 15] = [
    serve::COMMAND,
    init::COMMAND,
    backup::COMMAND,
    restore::COMMAND,
    check::COMMAND,
    compact::COMMAND,
    salvage::COMMAND,
    key::COMMAND,
    admin::COMMAND,
    healthcheck::COMMAND,
    completions::COMMAND,
    man::COMMAND,
    import::COMMAND,
    export::COMMAND,
    config::COMMAND,
];

/// Does what the command line `arguments`, with the program's name first, asks for. Returns the exit code of
/// the process.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    // Otherwise the command reports it, if it needs that many.
    if descriptors::reserve_least().is_ok() {
        // Without it, the default applies: a write beyond the limit ends the process.
        let _ = ignore_file_size_signal();
    }
    // Standard output or error may be closed; the exit code still reports the outcome.
    let code = match arguments::parse(&arguments, &COMMANDS) {
        Ok((command, arguments)) => match (command.run)(arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(FAILED),
            Err(error) => {
                let _ = writeln!(io::stderr(), "rememberd: {error}");
                ExitCode::from(error.exit_code().unwrap_or(command.error_code))
            }
        },
        Err(UsageError::Help(text)) => {
            let _ = write!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(UsageError::Invalid(text)) => {
            report_usage_error(&arguments, &text);
            ExitCode::from(NOT_DONE)
        }
    };
    terminal::output::finish();
    code
}

/// A person gets the text as it is. In a log of JSON it is one line, like any other.
fn report_usage_error(arguments: &[OsString], text: &str) {
    match arguments::log_settings(arguments, &COMMANDS) {
        Some(log) if log.log_format == LogFormat::Json => {
            let error = text.strip_prefix("error: ").unwrap_or(text);
            logging::report(&log, error.trim_end());
        }
        Some(_) | None => {
            let _ = write!(io::stderr(), "{text}");
        }
    }
}
