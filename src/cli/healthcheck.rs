//! `rememberd healthcheck`: whether a server is ready, for containers.

use clap::{Arg, Command};

use crate::cli::command::{Arguments, CliCommand, NO_CONNECTION};
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;
use crate::cli::process::runtime::runtime;
use crate::cli::terminal::output::print_line;

const NOTE: &str = "\
Without --url, the server is asked that uses the data directory, over the socket there.
Exit code: 0 if it is ready, 1 if it is not: it starts or stops, or the storage failed; 2 if the command line is not valid,
3 if no server answers.

Examples:
  rememberd healthcheck
  rememberd healthcheck --url http://127.0.0.1:8080 --timeout 2s";

/// Asks whether a server is ready.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NO_CONNECTION,
    has_log: false,
};

fn definition() -> Command {
    let url = Arg::new("url")
        .long("url")
        .value_name("URL")
        .help("The server's address, like http://127.0.0.1:8080");
    let settings =
        LocalSettings::arguments()
            .into_iter()
            .map(|argument| match argument.get_id().as_str() {
                "timeout" => argument.default_value("5s"),
                // It may be in the environment of the server; the database is not opened.
                "key_file" => argument.hide(true),
                _ => argument,
            });
    Command::new("healthcheck")
        .about("Ask whether a server is ready")
        .after_help(NOTE)
        .arg(url)
        .args(settings)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let url = arguments.text("url");
    let settings = LocalSettings::take(&mut arguments)?;
    runtime()?.block_on(async {
        let server = match url {
            Some(url) => LocalServer::at_url(&url, settings)?,
            None => LocalServer::running(settings)?,
        };
        let health = server.health().await?;
        let text = |field: &str| health[field].as_str().map(str::to_owned);
        let status = text("status").unwrap_or_else(|| "unknown".to_owned());
        match text("reason") {
            Some(reason) => print_line(format_args!("{status}: {reason}")),
            None => print_line(format_args!("{status}")),
        }
        Ok(health["status"] == "ready")
    })
}
