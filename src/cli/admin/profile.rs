//! `rememberd admin profile`: the users.

use std::collections::HashMap;
use std::io::{self, BufRead, IsTerminal};

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

use crate::cli::admin::named_profile::{self, DEFAULT_TENANT, id, tenant_argument, title};
use crate::cli::admin::output::Fields;
use crate::cli::admin::session::{Session, ask};
use crate::cli::admin::tenant;
use crate::cli::command::{Arguments, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::call::path;
use crate::cli::terminal::plain::plain;
use crate::cli::terminal::saved::SavedTerminal;

/// Until when sign-ins with a password are refused, after too many that failed.
const LOCKED_UNTIL: &str = "lockedUntil";

const FIELDS: Fields = &[
    ("username", "username"),
    ("email", "email"),
    ("enabled", "enabled"),
    (LOCKED_UNTIL, "locked until"),
    ("roles", "roles"),
    ("createdOn", "created"),
    ("id", "id"),
];

const ALL_FIELDS: Fields = &[
    ("username", "username"),
    ("tenant", "tenant"),
    ("email", "email"),
    ("verified", "verified"),
    ("enabled", "enabled"),
    (LOCKED_UNTIL, "locked until"),
    ("roles", "roles"),
    ("attributes", "attributes"),
    ("createdOn", "created"),
    ("lastModified", "modified"),
    ("id", "id"),
];

pub fn definition() -> Command {
    let tenant = || tenant_argument("Its tenant").default_value(DEFAULT_TENANT);
    let create = Command::new("create").about("Create one").args([
        Arg::new("username")
            .value_name("USERNAME")
            .required(true)
            .help("The name that the user signs in with"),
        tenant(),
        Arg::new("email")
            .long("email")
            .value_name("ADDRESS")
            .required(true)
            .help("The address that mails are sent to"),
        Arg::new("role")
            .long("role")
            .value_name("NAME")
            .value_parser(NonEmptyStringValueParser::new())
            .action(ArgAction::Append)
            .help("A role that it has"),
        Arg::new("disabled")
            .long("disabled")
            .action(ArgAction::SetTrue)
            .help("Do not let it sign in"),
        Arg::new("password")
            .long("password")
            .action(ArgAction::SetTrue)
            .help("Give it a password: ask for it, or read a line from standard input"),
    ]);
    let named = |name, about| {
        Command::new(name)
            .about(about)
            .args(named_profile::arguments())
    };
    let list = Command::new("list")
        .about("List those of a tenant, by their usernames")
        .arg(tenant());
    Command::new("profile")
        .about("Profiles: the users")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            create,
            named("show", "Show one"),
            list,
            named("disable", "Disable one, which ends its logins and tickets"),
            named("enable", "Enable one"),
            named(
                "unlock",
                "Unlock one that failed sign-ins locked, and count them no more",
            ),
            named(
                "set-password",
                "Set the password of one, which ends its logins and tickets: ask for it, or read a line from standard \
                 input",
            ),
            named("delete", "Delete one, which ends its logins and tickets"),
        ])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    match name.as_str() {
        "create" => create(session, &mut arguments).await?,
        "list" => list(session, &arguments.required_text("tenant")).await?,
        "show" => {
            let profile = named_profile::take(session, &mut arguments).await?;
            print(session, profile).await?;
        }
        "disable" => {
            let profile = named_profile::take(session, &mut arguments).await?;
            let what = format!("disable {} and end all of its logins", title(&profile));
            session.confirm(&what).await?;
            change(session, &profile, "disable", &[]).await?;
        }
        "enable" => {
            let profile = named_profile::take(session, &mut arguments).await?;
            change(session, &profile, "enable", &[]).await?;
        }
        "unlock" => {
            let profile = named_profile::take(session, &mut arguments).await?;
            let target = path(&["admin", "1", "profile", id(&profile), "unlock"]);
            let lock = session.server.post(&target, &[]).await?;
            print_with(session, profile, lock);
        }
        "set-password" => {
            let profile = named_profile::take(session, &mut arguments).await?;
            let user = title(&profile);
            let prompt = format!("New password of {user}, which ends its logins: ");
            let password = ask_password(prompt).await?;
            change(session, &profile, "update", &[("password", &password)]).await?;
        }
        "delete" => delete(session, &mut arguments).await?,
        _ => unreachable!("clap knows these commands only"),
    }
    Ok(true)
}

async fn create(session: &Session<'_>, arguments: &mut Arguments) -> Result<(), CommandError> {
    let tenant = arguments.required_text("tenant");
    let username = arguments.required_text("username");
    let email = arguments.required_text("email");
    let enabled = if arguments.switch("disabled") {
        "false"
    } else {
        "true"
    };
    let roles = arguments.texts("role");
    let mut parameters = vec![
        ("tenantName", tenant.as_str()),
        ("username", &username),
        ("email", &email),
        ("enabled", enabled),
    ];
    parameters.extend(roles.iter().map(|role| ("role", role.as_str())));
    // One role would be split at commas, several are not.
    if let [role] = &roles[..]
        && role.contains(',')
    {
        return Err("the name of a role must have no comma".to_owned().into());
    }
    let password = if arguments.switch("password") {
        let prompt = format!("Password of {}: ", plain(&username));
        Some(ask_password(prompt).await?)
    } else {
        None
    };
    if let Some(password) = &password {
        parameters.push(("password", password));
    }
    let created = session
        .server
        .post("/api/1/profile/create", &parameters)
        .await?;
    // A new one is not locked.
    print_with(session, created, Value::Null);
    Ok(())
}

/// Prints a profile, and until when it is locked.
async fn print(session: &Session<'_>, profile: Value) -> Result<(), CommandError> {
    let target = path(&["admin", "1", "profile", id(&profile), "lock"]);
    let lock = session.server.get(&target, &[]).await?;
    print_with(session, profile, lock);
    Ok(())
}

/// Prints a profile with its lock, as the server returns that.
fn print_with(session: &Session<'_>, mut profile: Value, mut lock: Value) {
    profile[LOCKED_UNTIL] = lock[LOCKED_UNTIL].take();
    session.print_one(&profile, ALL_FIELDS);
}

async fn list(session: &Session<'_>, tenant: &str) -> Result<(), CommandError> {
    // A tenant without profiles is not the same as one that does not exist.
    tenant::read(session, tenant).await?;
    let mut profiles = all(session, tenant).await?;
    let mut locks = locks(session).await?;
    for profile in &mut profiles {
        profile[LOCKED_UNTIL] = locks.remove(id(profile)).unwrap_or_default();
    }
    session.print_list(&profiles, FIELDS);
    Ok(())
}

/// All profiles of a tenant, by their usernames.
async fn all(session: &Session<'_>, tenant: &str) -> Result<Vec<Value>, CommandError> {
    let mut profiles: Vec<Value> = Vec::new();
    loop {
        let last = profiles.last().and_then(|last| last["username"].as_str());
        let mut query = vec![("tenantName", tenant)];
        query.extend(last.map(|last| ("from", last)));
        let read = session.server.list("/admin/1/profile/list", &query).await?;
        // One may have fewer than it can have, if some are deleted meanwhile.
        if read.is_empty() {
            return Ok(profiles);
        }
        profiles.extend(read);
    }
}

/// When the locks of all profiles that are locked end, by the ids of the profiles.
async fn locks(session: &Session<'_>) -> Result<HashMap<String, Value>, CommandError> {
    let mut locks = HashMap::new();
    let mut from: Option<String> = None;
    loop {
        let query: Vec<_> = from.iter().map(|from| ("from", from.as_str())).collect();
        let mut page = session
            .server
            .get("/admin/1/profile/locked", &query)
            .await?;
        for lock in page["locked"].as_array_mut().into_iter().flatten() {
            locks.insert(id(lock).to_owned(), lock[LOCKED_UNTIL].take());
        }
        from = page["next"].as_str().map(str::to_owned);
        if from.is_none() {
            return Ok(locks);
        }
    }
}

/// Changes a profile by one of its calls, and prints it.
async fn change(
    session: &Session<'_>,
    profile: &Value,
    call: &str,
    parameters: &[(&str, &str)],
) -> Result<(), CommandError> {
    let target = path(&["api", "1", "profile", id(profile), call]);
    let changed = session.server.post(&target, parameters).await?;
    print(session, changed).await
}

async fn delete(session: &Session<'_>, arguments: &mut Arguments) -> Result<(), CommandError> {
    let profile = named_profile::take(session, arguments).await?;
    let title = title(&profile);
    session
        .confirm(&format!("delete the profile {title}"))
        .await?;
    let target = path(&["api", "1", "profile", id(&profile), "delete"]);
    session.server.post(&target, &[]).await?;
    let document =
        json!({"id": profile["id"], "username": profile["username"], "tenant": profile["tenant"]});
    session.print_done(&document, &format!("deleted the profile {title}"));
    Ok(())
}

/// A password, as [`read_password`] returns it. A signal that ends the command meanwhile leaves the thread that reads
/// behind, and the terminal as it was before.
async fn ask_password(prompt: String) -> Result<String, CommandError> {
    let _restored = SavedTerminal::save();
    ask(|| read_password(prompt)).await
}

/// A password: asked for by `prompt` and once more on a terminal, without being shown, else the next line of standard
/// input.
fn read_password(prompt: String) -> Result<String, CommandError> {
    let password = if io::stdin().is_terminal() {
        let read = |prompt: String| {
            rpassword::prompt_password(prompt)
                .map_err(|error| CommandError::io("cannot ask for the password", &error))
        };
        let password = read(prompt)?;
        if read("The same again: ".to_owned())? != password {
            return Err("the passwords differ; nothing was changed"
                .to_owned()
                .into());
        }
        password
    } else {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| CommandError::io("cannot read standard input", &error))?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        line.strip_suffix('\r').unwrap_or(line).to_owned()
    };
    if password.is_empty() {
        let text = "the password is empty; nothing was changed".to_owned();
        return Err(CommandError::from(text).with_exit_code(NOT_DONE));
    }
    Ok(password)
}
