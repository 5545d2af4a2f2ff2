//! `rememberd admin tenant`: tenants.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;
use crate::cli::local::call::path;

const API: &str = "/api/1/tenant";

const FIELDS: Fields = &[
    ("name", "name"),
    ("availableRoles", "roles"),
    ("verifyNewProfiles", "verifies"),
    ("id", "id"),
];

const ALL_FIELDS: Fields = &[
    ("name", "name"),
    ("availableRoles", "roles"),
    ("verifyNewProfiles", "verifies new profiles"),
    ("ssoEnabled", "single sign-on"),
    ("cleanseAttributes", "cleanses attributes"),
    ("attributeDefinitions", "attribute definitions"),
    ("profiles", "profiles"),
    ("id", "id"),
];

pub fn definition() -> Command {
    let name = || {
        Arg::new("name")
            .value_name("NAME")
            .value_parser(NonEmptyStringValueParser::new())
            .required(true)
            .help("Its name")
    };
    let create = Command::new("create").about("Create one").args([
        name(),
        Arg::new("role")
            .long("role")
            .value_name("NAME")
            .value_parser(NonEmptyStringValueParser::new())
            .action(ArgAction::Append)
            .help("A role that its profiles may have"),
        Arg::new("verify_new_profiles")
            .long("verify-new-profiles")
            .action(ArgAction::SetTrue)
            .help("Have new profiles verified by mail"),
    ]);
    let list = Command::new("list").about("List them");
    let show = Command::new("show").about("Show one").arg(name());
    let delete = Command::new("delete")
        .about("Delete one with its profiles, which ends their logins and tickets")
        .arg(name());
    Command::new("tenant")
        .about("Tenants")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([create, list, show, delete])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    match name.as_str() {
        "create" => {
            let document = json!({
                "name": arguments.required_text("name"),
                "availableRoles": arguments.texts("role"),
                "verifyNewProfiles": arguments.switch("verify_new_profiles"),
            });
            let target = format!("{API}/create");
            let created = session.server.post_json(&target, &document).await?;
            session.print_one(&created, FIELDS);
        }
        "list" => {
            session.print_list(&all(session).await?, FIELDS);
        }
        "show" => {
            let name = arguments.required_text("name");
            let mut tenant = read(session, &name).await?;
            tenant["profiles"] = profile_count(session, &name).await?;
            session.print_one(&tenant, ALL_FIELDS);
        }
        "delete" => delete(session, &arguments.required_text("name")).await?,
        _ => unreachable!("clap knows these commands only"),
    }
    Ok(true)
}

/// The tenant with this name.
///
/// # Errors
///
/// If there is none, and why the server does not answer.
pub async fn read(session: &Session<'_>, name: &str) -> Result<Value, CommandError> {
    let found = all(session).await?;
    let found = found.into_iter().find(|tenant| tenant["name"] == name);
    found.ok_or_else(|| format!("No tenant with name {name:?} found").into())
}

/// All tenants. One is looked for among them, because the path of a tenant with the name `all` or `count` is that of
/// something else.
///
/// # Errors
///
/// Why the server does not answer.
pub async fn all(session: &Session<'_>) -> Result<Vec<Value>, CommandError> {
    Ok(session.server.list(&format!("{API}/all"), &[]).await?)
}

async fn profile_count(session: &Session<'_>, name: &str) -> Result<Value, CommandError> {
    let parameters = [("tenantName", name)];
    Ok(session
        .server
        .get("/api/1/profile/count", &parameters)
        .await?)
}

async fn delete(session: &Session<'_>, name: &str) -> Result<(), CommandError> {
    let tenant = read(session, name).await?;
    let profiles = profile_count(session, name).await?;
    session
        .confirm(&format!(
            "delete the tenant {name:?} and its profiles ({profiles})"
        ))
        .await?;
    let target = path(&["api", "1", "tenant", name, "delete"]);
    session.server.post(&target, &[]).await?;
    let document = json!({"name": tenant["name"], "profiles": profiles});
    let text = format!("deleted the tenant {name:?} and its profiles ({profiles})");
    session.print_done(&document, &text);
    Ok(())
}
