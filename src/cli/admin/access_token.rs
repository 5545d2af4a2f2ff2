//! `rememberd admin access-token`: which applications may do what.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgGroup, Command};
use serde_json::{Value, json};

use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::admin::tenant;
use crate::cli::command::{Arguments, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::call::path;
use crate::cli::terminal::plain::plain;
use crate::clock::Timestamp;
use crate::clock::date::{self, rfc_3339};
use crate::config::value::duration;
use crate::domain::access_token::{ACTION_NAMES, ANY};
use crate::service::bootstrap::token_file::PREFIX;

const API: &str = "/api/1/access_token";

const FIELDS: Fields = &[
    ("application", "application"),
    ("master", "master"),
    ("permissions", "permissions"),
    ("expiresOn", "expires"),
    ("id", "id"),
];

pub fn definition() -> Command {
    let create = Command::new("create")
        .about("Create one, and print its id, the secret for the settings of the application")
        .args([
            Arg::new("application")
                .long("application")
                .value_name("NAME")
                .value_parser(NonEmptyStringValueParser::new())
                .required(true)
                .help("The application that it is for"),
            Arg::new("tenant")
                .long("tenant")
                .value_name("NAME")
                .value_parser(NonEmptyStringValueParser::new())
                .action(ArgAction::Append)
                .help("A tenant that the actions are allowed on; * is all of them"),
            Arg::new("action")
                .long("action")
                .value_name("NAME")
                .action(ArgAction::Append)
                .value_parser(PossibleValuesParser::new(
                    // A shell that completes a * takes it for the names of files.
                    ACTION_NAMES
                        .iter()
                        .map(|name| PossibleValue::new(*name))
                        .chain([PossibleValue::new(ANY).hide(true)]),
                ))
                .default_value(ANY)
                .help("An action that is allowed; * is all of them"),
            Arg::new("expires")
                .long("expires")
                .value_name("DATE|DURATION")
                .value_parser(expiry)
                .help("When it expires, like 2030-12-31, or after which time, like 90d; by default never"),
            Arg::new("master")
                .long("master")
                .action(ArgAction::SetTrue)
                .help("Let it manage access tokens"),
        ])
        .group(
            ArgGroup::new("authority")
                .args(["tenant", "master"])
                .multiple(true)
                .required(true),
        );
    let list = Command::new("list")
        .about("List them, without their ids")
        .arg(
            Arg::new("ids")
                .long("ids")
                .action(ArgAction::SetTrue)
                .help("With their ids, which are secrets"),
        );
    let revoke = Command::new("revoke")
        .about("Delete one: its application is refused from then on")
        .arg(
            Arg::new("access_token")
                .value_name("ID|APPLICATION")
                .value_parser(NonEmptyStringValueParser::new())
                .required(true)
                .help("Its id, or the application, if that has no other one"),
        );
    Command::new("access-token")
        .about("Access tokens: which applications may do what")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([create, list, revoke])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    match name.as_str() {
        "create" => create(session, &mut arguments).await?,
        "list" => list(session, arguments.switch("ids")).await?,
        "revoke" => revoke(session, &arguments.required_text("access_token")).await?,
        _ => unreachable!("clap knows these commands only"),
    }
    Ok(true)
}

async fn create(session: &Session<'_>, arguments: &mut Arguments) -> Result<(), CommandError> {
    let expires_on = match arguments.0.remove_one("expires") {
        Some(expiry) => Some(expires_on(session, expiry).await?),
        None => None,
    };
    let actions = arguments.texts("action");
    let tenants = arguments.texts("tenant");
    warn_of_missing(session, &tenants).await?;
    let permissions = tenants
        .iter()
        .map(|tenant| json!({"tenant": tenant, "allowedActions": actions}));
    let token = json!({
        "application": arguments.required_text("application"),
        "master": arguments.switch("master"),
        "tenantPermissions": permissions.collect::<Value>(),
        "expiresOn": expires_on,
    });
    let created = session
        .server
        .post_json(&format!("{API}/create"), &token)
        .await?;
    session.print_one(&shown(session, created, true), FIELDS);
    Ok(())
}

/// Warns of the tenants that do not exist: one may be created later, and a name may be misspelled.
async fn warn_of_missing(session: &Session<'_>, tenants: &[String]) -> Result<(), CommandError> {
    let mut named = tenants.iter().filter(|tenant| *tenant != ANY).peekable();
    if named.peek().is_none() {
        return Ok(());
    }
    let known = tenant::all(session).await?;
    for name in named {
        if !known.iter().any(|tenant| tenant["name"] == *name) {
            // Nobody may read it.
            let _ = writeln!(
                io::stderr(),
                "rememberd: warning: there is no tenant {name:?}; the access token allows nothing on it until it is \
                 created"
            );
        }
    }
    Ok(())
}

/// When an access token expires.
#[derive(Clone, Copy)]
enum Expiry {
    At(Timestamp),
    After(Duration),
}

fn expiry(text: &str) -> Result<Expiry, &'static str> {
    let after = duration(text).map(Expiry::After).ok();
    after.or_else(|| date::parse(text).map(Expiry::At)).ok_or(
        "it must be a date like 2030-12-31, a time like 2030-12-31T12:00:00Z, or a duration like 90d",
    )
}

/// When it expires, in epoch milliseconds, by the time that the server believes.
///
/// # Errors
///
/// If that has passed, and why the server does not answer.
async fn expires_on(session: &Session<'_>, expiry: Expiry) -> Result<i64, CommandError> {
    let now = now(session).await?;
    let time = match expiry {
        Expiry::At(time) => time,
        Expiry::After(duration) => now.plus(duration),
    };
    if time <= now {
        let (time, now) = (rfc_3339(time), rfc_3339(now));
        let text = format!("--expires: {time} has passed, it is {now}; nothing was created");
        return Err(CommandError::from(text).with_exit_code(NOT_DONE));
    }
    Ok(time.as_millis())
}

/// The time that the server believes.
async fn now(session: &Session<'_>) -> Result<Timestamp, CommandError> {
    let clock = session.server.get("/admin/1/clock", &[]).await?;
    let now = clock["believedTime"].as_i64().unwrap_or_default();
    Ok(Timestamp::from_millis(now))
}

async fn list(session: &Session<'_>, has_ids: bool) -> Result<(), CommandError> {
    let tokens = all(session).await?;
    let tokens: Vec<Value> = tokens
        .into_iter()
        .map(|token| shown(session, token, has_ids))
        .collect();
    let count = if has_ids {
        FIELDS.len()
    } else {
        FIELDS.len() - 1
    };
    session.print_list(&tokens, &FIELDS[..count]);
    Ok(())
}

async fn revoke(session: &Session<'_>, name: &str) -> Result<(), CommandError> {
    let tokens = all(session).await?;
    let found = find(&tokens, name)?;
    let application = found["application"].as_str().unwrap_or_default();
    let mut what = format!("revoke the access token of {application:?}");
    if is_last_master(session, &tokens, found).await? {
        what += ", after which no master access token is left";
    }
    session.confirm(&what).await?;
    let id = found["id"].as_str();
    let id = id.ok_or_else(|| "the key that its id is sealed by is missing".to_owned())?;
    let file = unused_file(session.server.data_dir(), id);
    let target = path(&["api", "1", "access_token", id, "delete"]);
    session.server.post(&target, &[]).await?;
    let document = json!({"application": application});
    let mut text = format!("revoked the access token of {application:?}");
    if let Some(file) = file.filter(|file| !file.exists()) {
        text += &format!(
            " and removed {}, which had its id",
            plain(&file.to_string_lossy())
        );
    }
    session.print_done(&document, &text);
    Ok(())
}

/// The file in the data directory that has the id of a generated access token until that is used.
fn unused_file(data_dir: &Path, id: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(data_dir).ok()?.flatten();
    let mut files = entries.filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    let found = files.find(|file| {
        fs::read_to_string(file.path()).is_ok_and(|text| text.strip_suffix('\n') == Some(id))
    });
    found.map(|file| file.path())
}

/// Whether no access token but `found` is a master that has not expired.
async fn is_last_master(
    session: &Session<'_>,
    tokens: &[Value],
    found: &Value,
) -> Result<bool, CommandError> {
    if found["master"] != true {
        return Ok(false);
    }
    let now = now(session).await?.as_millis();
    let is_valid = |token: &Value| {
        token["expiresOn"]
            .as_i64()
            .is_none_or(|expiry| expiry > now)
    };
    let mut masters = tokens
        .iter()
        .filter(|token| token["master"] == true && is_valid(token));
    Ok(!masters.any(|token| !ptr::eq(token, found)))
}

/// The access token that `name` is the id of, or the application.
///
/// # Errors
///
/// If there is none, or are several: an id that was given can be the name of an application.
fn find<'t>(tokens: &'t [Value], name: &str) -> Result<&'t Value, CommandError> {
    let named: Vec<&Value> = tokens
        .iter()
        .filter(|token| token["id"] == name || token["application"] == name)
        .collect();
    match named[..] {
        [found] => Ok(found),
        [] => {
            let text = format!("no access token has the id or the application {name:?}");
            Err(text.into())
        }
        _ if named.iter().any(|token| token["id"] == name) => {
            let text = format!(
                "{name:?} is the id of one access token and the application of another one; name the former by its \
                 application, the latter by its id, which \"rememberd admin access-token list --ids\" prints"
            );
            Err(text.into())
        }
        _ => {
            let text = format!(
                "several access tokens are of the application {name:?}; name one by its id, which \"rememberd admin \
                 access-token list --ids\" prints"
            );
            Err(text.into())
        }
    }
}

async fn all(session: &Session<'_>) -> Result<Vec<Value>, CommandError> {
    Ok(session.server.list(&format!("{API}/all"), &[]).await?)
}

/// An access token as it is printed: for people its permissions are one text.
fn shown(session: &Session<'_>, mut token: Value, has_id: bool) -> Value {
    if let Some(fields) = token.as_object_mut() {
        if !has_id {
            fields.remove("id");
        }
        if !session.is_json {
            let permissions = permissions(&fields["tenantPermissions"]);
            fields.insert("permissions".to_owned(), permissions);
        }
    }
    token
}

/// Like `default: MANAGE_TICKETS, READ_TENANT; *: *`; nothing if there are none.
fn permissions(permissions: &Value) -> Value {
    let texts = |value: &Value| -> String {
        let texts = value.as_array().into_iter().flatten();
        let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
        texts.join(", ")
    };
    let permissions = permissions.as_array().into_iter().flatten();
    let permissions = permissions.map(|permission| {
        let tenant = permission["tenant"].as_str().unwrap_or_default();
        format!("{tenant}: {}", texts(&permission["allowedActions"]))
    });
    match &permissions.collect::<Vec<_>>()[..] {
        [] => Value::Null,
        permissions => permissions.join("; ").into(),
    }
}
