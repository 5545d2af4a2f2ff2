//! `rememberd admin key`: the secret keys.

use clap::{Arg, Command, value_parser};

use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;

const API: &str = "/admin/1/key";

const FIELDS: Fields = &[
    ("number", "key"),
    ("isNewest", "newest"),
    ("logins", "logins"),
];

pub fn definition() -> Command {
    let rotate = Command::new("rotate")
        .about("Add a key: tokens are derived from it at once, and logins move to it with their next rotation");
    let list = Command::new("list").about("List them, with the number of logins that need each");
    let drop = Command::new("drop")
        .about("Drop one: the logins that need it end")
        .arg(
            Arg::new("number")
                .value_name("NUMBER")
                .value_parser(value_parser!(u32))
                .required(true)
                .help("Its number"),
        );
    Command::new("key")
        .about("The secret keys, from which tokens are derived")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([rotate, list, drop])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    match name.as_str() {
        "rotate" => {
            let rotated = session.server.post(&format!("{API}/rotate"), &[]).await?;
            let text = format!("key {} was added and is used", rotated["number"]);
            session.print_done(&rotated, &text);
        }
        "list" => session.print_list(&session.server.list(API, &[]).await?, FIELDS),
        "drop" => drop(session, arguments.number("number")).await?,
        _ => unreachable!("clap knows these commands only"),
    }
    Ok(true)
}

async fn drop(session: &Session<'_>, number: u32) -> Result<(), CommandError> {
    let keys = session.server.list(API, &[]).await?;
    let Some(key) = keys.iter().find(|key| key["number"] == number) else {
        return Err(format!("there is no key {number}").into());
    };
    let logins = match key["logins"].as_u64() {
        Some(1) => "1 login that needs it".to_owned(),
        _ => format!("{} logins that need it", key["logins"]),
    };
    session
        .confirm(&format!("drop key {number} and end the {logins}"))
        .await?;
    let (number, target) = (number.to_string(), format!("{API}/drop"));
    let parameters = [("number", number.as_str()), ("endsLogins", "true")];
    let dropped = session.server.post(&target, &parameters).await?;
    let ended = match dropped["logins"].as_u64() {
        Some(1) => "1 login".to_owned(),
        _ => format!("{} logins", dropped["logins"]),
    };
    session.print_done(
        &dropped,
        &format!("key {number} was dropped, and {ended} ended"),
    );
    Ok(())
}
