//! `rememberd admin`: the operator of the host looks at what the server has, and changes it.

mod access_token;
mod clock;
mod key;
mod login;
mod named_profile;
mod output;
mod profile;
mod session;
mod stats;
mod tenant;
mod ticket;

use std::cell::RefCell;

use clap::{Arg, ArgAction, Command};

use crate::cli::admin::session::Session;
use crate::cli::command::{Arguments, CliCommand, FAILED};
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;

const NOTE: &str = "\
A running server is reached over the socket in its data directory, which only the owner of the directory and root can use.
If no server runs, the database is opened, and closed at the end of the command.
Exit code: 0 if it is done, 1 if it was refused or what it names is not there, 2 if the command line is not valid or lacks
a --yes where nobody can be asked, 3 if no server answers and the database cannot be opened.

Examples:
  rememberd admin stats
  rememberd admin access-token create --application shop --tenant default --json";

/// Administers a server.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: FAILED,
    has_log: false,
};

fn definition() -> Command {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON");
    let yes = Arg::new("yes")
        .long("yes")
        .action(ArgAction::SetTrue)
        .help("Do not ask before something is deleted or ended");
    let arguments = LocalSettings::arguments().into_iter().chain([json, yes]);
    Command::new("admin")
        .about("Administer a server, whether it runs or not")
        .after_help(NOTE)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(arguments.map(|argument| argument.global(true)))
        .subcommands([
            access_token::definition(),
            tenant::definition(),
            profile::definition(),
            login::definition(),
            ticket::definition(),
            clock::definition(),
            key::definition(),
            stats::definition(),
        ])
}

fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    let settings = LocalSettings::take(&mut arguments)?;
    let (is_json, is_confirmed) = (arguments.switch("json"), arguments.switch("yes"));
    let creates_secret = name == "access-token" && arguments.0.subcommand_name() == Some("create");
    LocalServer::with(settings, async |server| {
        let session = &Session {
            server,
            is_json,
            is_confirmed,
            unwritten: RefCell::default(),
        };
        let done = match name.as_str() {
            "access-token" => access_token::run(session, arguments).await,
            "tenant" => tenant::run(session, arguments).await,
            "profile" => profile::run(session, arguments).await,
            "login" => login::run(session, arguments).await,
            "ticket" => ticket::run(session, arguments).await,
            "key" => key::run(session, arguments).await,
            "clock" => clock::run(session, arguments).await,
            "stats" => stats::run(session).await,
            _ => unreachable!("clap knows these commands only"),
        }?;
        session.require_written(creates_secret)?;
        Ok(done)
    })
}
