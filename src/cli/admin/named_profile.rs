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

/// The profile with the id `name`, or with this username in the tenant.
///
/// # Errors
///
/// As [`take`].
pub async fn find(
    session: &Session<'_>,
    name: &str,
    tenant: Option<&str>,
) -> Result<Value, CommandError> {
    if tenant.is_none() && ObjectId::parse(name).is_some() {
        let found = session
            .server
            .get(&path(&["api", "1", "profile", name]), &[])
            .await;
        match found {
            // A username can look like an id.
            Err(CallError::Refused { .. }) => {}
            found => return Ok(found?),
        }
    }
    let tenant = tenant.unwrap_or(DEFAULT_TENANT);
    let parameters = [("tenantName", tenant), ("username", name)];
    let target = "/api/1/profile/by_username";
    Ok(session.server.get(target, &parameters).await?)
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
