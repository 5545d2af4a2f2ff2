//! `rememberd admin ticket`: tickets.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, Command};
use serde_json::json;

use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;
use crate::cli::local::call::path;

pub fn definition() -> Command {
    let end = Command::new("end")
        .about("End one: its user has to sign in again")
        .arg(
            Arg::new("id")
                .value_name("ID")
                .value_parser(NonEmptyStringValueParser::new())
                .required(true)
                .help("Its id"),
        );
    Command::new("ticket")
        .about("Tickets")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(end)
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (_, mut arguments) = arguments.subcommand();
    let id = arguments.required_text("id");
    let api = ["api", "1", "authentication", "ticket", &id];
    // One that does not exist is ended already, as far as the call is concerned.
    let ticket = session.server.get(&path(&api), &[]).await?;
    let target = path(&[&api[..], &["invalidate"]].concat());
    session.server.post(&target, &[]).await?;
    let document = json!({"tenant": ticket["tenant"], "profileId": ticket["profileId"]});
    session.print_done(&document, "ended the ticket");
    Ok(true)
}
