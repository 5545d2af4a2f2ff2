//! `rememberd admin login`: persistent logins.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgGroup, Command};
use serde_json::{Value, json};

use crate::cli::admin::named_profile::{self, id, tenant_argument, title};
use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::command::Arguments;
use crate::cli::error::CommandError;
use crate::cli::local::call::path;

const API: &str = "/api/1/authentication/persistent_login";

/// How many logins of a list are read at once.
const PAGE: usize = 1_000;

/// How many hexadecimal digits a fingerprint has.
const FINGERPRINT_LENGTH: usize = 16;

const FIELDS: Fields = &[
    ("id", "id"),
    ("label", "label"),
    ("ipAddress", "address"),
    ("createdOn", "created"),
    ("lastUsedOn", "last used"),
    ("expiresOn", "expires"),
    ("userAgent", "browser"),
];

const FOUND_FIELDS: Fields = &[
    ("id", "id"),
    ("tenant", "tenant"),
    ("username", "username"),
    ("profileId", "profile"),
    ("createdOn", "created"),
    ("lastUsedOn", "last used"),
    ("isValid", "valid"),
];

pub fn definition() -> Command {
    let owner = || {
        [
            Arg::new("profile")
                .long("profile")
                .value_name("ID|USERNAME")
                .value_parser(NonEmptyStringValueParser::new())
                .help("The id of the profile, or its username"),
            Arg::new("username")
                .long("username")
                .value_name("USERNAME")
                .value_parser(NonEmptyStringValueParser::new())
                .conflicts_with("profile")
                .help("The username of the profile"),
        ]
    };
    let list = Command::new("list")
        .about("List those of a profile")
        .args(owner())
        .arg(tenant_argument(
            "The tenant of the username [default: default]",
        ))
        .group(
            ArgGroup::new("owner")
                .args(["profile", "username"])
                .required(true),
        );
    let find = Command::new("find")
        .about("Find the one that has a fingerprint in the audit log")
        .arg(
            Arg::new("fingerprint")
                .value_name("FINGERPRINT")
                .value_parser(fingerprint)
                .required(true)
                .help("16 hexadecimal digits, \"login\" in the audit log"),
        );
    let end = Command::new("end")
        .about("End one, all of a profile, all of a tenant, or all")
        .arg(
            Arg::new("id")
                .value_name("ID")
                .value_parser(NonEmptyStringValueParser::new())
                .conflicts_with_all(["profile", "username", "tenant"])
                .help("The id of the login"),
        )
        .args(owner())
        .arg(tenant_argument(
            "The tenant: all of its logins end, or those of the username",
        ))
        .arg(
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["id", "profile", "username", "tenant"])
                .help("End all logins of all tenants"),
        )
        .group(
            ArgGroup::new("ended")
                .args(["id", "profile", "username", "tenant", "all"])
                .multiple(true)
                .required(true),
        );
    Command::new("login")
        .about("Persistent logins")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([list, find, end])
}

pub async fn run(session: &Session<'_>, arguments: Arguments) -> Result<bool, CommandError> {
    let (name, mut arguments) = arguments.subcommand();
    match name.as_str() {
        "list" => list(session, &mut arguments).await?,
        "find" => {
            let fingerprint = arguments.required_text("fingerprint");
            let parameters = [("fingerprint", fingerprint.as_str())];
            let found = session
                .server
                .get("/admin/1/login/find", &parameters)
                .await?;
            session.print_one(&found, FOUND_FIELDS);
        }
        "end" => end(session, &mut arguments).await?,
        _ => unreachable!("clap knows these commands only"),
    }
    Ok(true)
}

fn fingerprint(text: &str) -> Result<String, &'static str> {
    if text.len() == FINGERPRINT_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err("a fingerprint has 16 hexadecimal digits, as \"login\" in the audit log")
    }
}

/// How the profile is named whose logins are meant.
enum Owner {
    /// By its id or its username.
    Profile(String),
    /// By its username, which may look like an id.
    Username(String),
}

impl Owner {
    /// The one in the arguments, if there is one.
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let profile = arguments.text("profile").map(Self::Profile);
        profile.or_else(|| arguments.text("username").map(Self::Username))
    }

    /// The profile.
    ///
    /// # Errors
    ///
    /// As [`named_profile::find`].
    async fn find(
        &self,
        session: &Session<'_>,
        tenant: Option<&str>,
    ) -> Result<Value, CommandError> {
        match self {
            Self::Profile(name) => named_profile::find(session, name, tenant).await,
            Self::Username(name) => named_profile::find_by_username(session, name, tenant).await,
        }
    }
}

async fn list(session: &Session<'_>, arguments: &mut Arguments) -> Result<(), CommandError> {
    let tenant = arguments.text("tenant");
    let owner = Owner::take(arguments).expect("clap refuses a command line without it");
    let profile = owner.find(session, tenant.as_deref()).await?;
    let target = format!("{API}/by_profile");
    let parameters = [("profileId", id(&profile))];
    let logins = session.server.pages(&target, &parameters, PAGE).await?;
    session.print_list(&logins, FIELDS);
    Ok(())
}

async fn end(session: &Session<'_>, arguments: &mut Arguments) -> Result<(), CommandError> {
    if let Some(id) = arguments.text("id") {
        return end_one(session, &id).await;
    }
    let tenant = arguments.text("tenant");
    let ended = match (Owner::take(arguments), tenant) {
        (Some(owner), tenant) => {
            let profile = owner.find(session, tenant.as_deref()).await?;
            session
                .confirm(&format!("end all logins of {}", title(&profile)))
                .await?;
            let parameters = [("profileId", id(&profile))];
            let target = format!("{API}/delete_by_profile");
            session.server.post(&target, &parameters).await?
        }
        (None, Some(tenant)) => {
            session
                .confirm(&format!("end all logins of the tenant {tenant:?}"))
                .await?;
            end_many(session, &[("tenantName", &tenant)]).await?
        }
        (None, None) => {
            session.confirm("end all logins of all tenants").await?;
            end_many(session, &[("all", "true")]).await?
        }
    };
    let text = match ended["deleted"].as_u64() {
        Some(1) => "ended 1 login".to_owned(),
        Some(count) => format!("ended {count} logins"),
        None => "ended them all".to_owned(),
    };
    session.print_done(&ended, &text);
    Ok(())
}

async fn end_many(
    session: &Session<'_>,
    parameters: &[(&str, &str)],
) -> Result<Value, CommandError> {
    let target = "/admin/1/login/end_all";
    Ok(session.server.post(target, parameters).await?)
}

async fn end_one(session: &Session<'_>, id: &str) -> Result<(), CommandError> {
    let api = ["api", "1", "authentication", "persistent_login", id];
    // One that does not exist is ended already, as far as the call is concerned.
    let login = session.server.get(&path(&api), &[]).await?;
    let target = path(&[&api[..], &["delete"]].concat());
    session.server.post(&target, &[]).await?;
    let document = json!({
        "id": login["id"],
        "tenant": login["tenant"],
        "profileId": login["profileId"],
    });
    session.print_done(&document, "ended the login");
    Ok(())
}
