//! `rememberd admin clock`: the believed time.

use clap::Command;

use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;

const FIELDS: Fields = &[
    ("believedTime", "believed time"),
    ("hostTime", "host's clock"),
    ("hostAheadMillis", "ahead by milliseconds"),
    ("synchronized", "synchronized"),
    ("agrees", "agrees"),
];

pub fn definition() -> Command {
    Command::new("clock")
        .about("The time: what the server believes, and what the host's clock shows")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            Command::new("show").about("Show both"),
            Command::new("accept").about("Believe the host's clock, whatever it shows"),
        ])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, _) = arguments.subcommand();
    let target = "/admin/1/clock";
    let clock = match name.as_str() {
        "show" => session.server.get(target, &[]).await?,
        "accept" => {
            session
                .confirm("believe the host's clock, which can make logins expire")
                .await?;
            session
                .server
                .post(&format!("{target}/accept"), &[])
                .await?
        }
        _ => unreachable!("clap knows these commands only"),
    };
    session.print_one(&clock, FIELDS);
    Ok(true)
}
