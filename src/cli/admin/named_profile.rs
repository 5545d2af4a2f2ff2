//! The profile that a command names: by its id, or by its username and the tenant.

use clap::Arg;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;

use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;
use crate::cli::local::call::{CallError, path};
use crate::cli::terminal::plain::plain;
use crate::domain::object_id::ObjectId;

/// The tenant of a username if none is named.
pub const DEFAULT_TENANT: &str = "default";

/// The argument for a tenant, which has no default, so that it can be seen whether it is given.
pub fn tenant_argument(help: &'static str) -> Arg {
    Arg::new("tenant")
        .long("tenant")
        .value_name("NAME")
        .value_parser(NonEmptyStringValueParser::new())
        .help(help)
}

/// The arguments that name one profile.
pub fn arguments() -> [Arg; 2] {
    [
        Arg::new("profile")
            .value_name("ID|USERNAME")
            .value_parser(NonEmptyStringValueParser::new())
            .required(true)
            .help("Its id, or its username"),
        tenant_argument("The tenant of the username [default: default]"),
    ]
}

/// The profile that these arguments name.
///
/// # Errors
///
/// If there is none, and why the server does not answer.
pub async fn take(session: &Session<'_>, arguments: &mut Arguments) -> Result<Value, CommandError> {
    let name = arguments.required_text("profile");
    let tenant = arguments.text("tenant");
    find(session, &name, tenant.as_deref()).await
}

/// The profile with this username in the tenant, or without a tenant the one that has the id or, in the default tenant,
/// the username `name`.
///
/// # Errors
///
/// As [`take`]; also if one profile has the id and another one the username, because a username can look like an id.
pub async fn find(
    session: &Session<'_>,
    name: &str,
    tenant: Option<&str>,
) -> Result<Value, CommandError> {
    if tenant.is_some() || ObjectId::parse(name).is_none() {
        return find_by_username(session, name, tenant).await;
    }
    let target = path(&["api", "1", "profile", name]);
    let by_id = match session.server.get(&target, &[]).await {
        Ok(profile) => profile,
        Err(error) if error.is_not_found() => {
            return find_by_username(session, name, None).await;
        }
        Err(error) => return Err(error.into()),
    };
    match by_username(session, name, DEFAULT_TENANT).await {
        Ok(other) if id(&other) != id(&by_id) => Err(ambiguous(name, &by_id)),
        Ok(_) => Ok(by_id),
        Err(error) if error.is_not_found() => Ok(by_id),
        Err(error) => Err(error.into()),
    }
}

/// The profile with this username in the tenant, or in the default tenant.
///
/// # Errors
///
/// As [`take`].
pub async fn find_by_username(
    session: &Session<'_>,
    username: &str,
    tenant: Option<&str>,
) -> Result<Value, CommandError> {
    let tenant = tenant.unwrap_or(DEFAULT_TENANT);
    Ok(by_username(session, username, tenant).await?)
}

async fn by_username(
    session: &Session<'_>,
    username: &str,
    tenant: &str,
) -> Result<Value, CallError> {
    let parameters = [("tenantName", tenant), ("username", username)];
    let target = "/api/1/profile/by_username";
    session.server.get(target, &parameters).await
}

/// With a tenant, the name is a username.
fn ambiguous(name: &str, by_id: &Value) -> CommandError {
    let text = format!(
        "{name} is the id of {}, and another profile has it as its username; name the former by its username and its \
         tenant, the latter by its username and --tenant {DEFAULT_TENANT}",
        title(by_id)
    );
    text.into()
}

/// The id of a profile.
pub fn id(profile: &Value) -> &str {
    profile["id"].as_str().unwrap_or_default()
}

/// What a profile is called in questions and messages.
pub fn title(profile: &Value) -> String {
    let (username, tenant) = (&profile["username"], &profile["tenant"]);
    plain(&format!("{username} of the tenant {tenant}"))
}
