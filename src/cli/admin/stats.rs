//! `rememberd admin stats`: what the server is, and how much it has.

use clap::Command;

use crate::cli::admin::output::Fields;
use crate::cli::admin::session::Session;
use crate::cli::error::CommandError;

const FIELDS: Fields = &[
    ("version", "version"),
    ("schemaVersion", "schema version"),
    ("uptimeSeconds", "uptime in seconds"),
    ("accessTokens", "access tokens"),
    ("tenants", "tenants"),
    ("profiles", "profiles"),
    ("persistentLogins", "persistent logins"),
    ("tickets", "tickets"),
    ("verificationTokens", "verification tokens"),
    ("queuedMails", "queued mails"),
];

pub fn definition() -> Command {
    Command::new("stats").about("Show what the server is, and how much it has")
}

pub async fn run(session: &Session<'_>) -> Result<bool, CommandError> {
    let stats = session.server.get("/admin/1/stats", &[]).await?;
    session.print_one(&stats, FIELDS);
    Ok(true)
}
