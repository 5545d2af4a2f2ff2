//! How much there is in the database.

use crate::app::App;
use crate::error::Failure;
use crate::tables::{
    access_token, mail_outbox, persistent_login, profile, tenant, ticket, verification_token,
};

/// How much there is of each resource. What has expired or ended counts until it is removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Access tokens.
    pub access_tokens: u64,
    /// Tenants.
    pub tenants: u64,
    /// Profiles of all tenants.
    pub profiles: u64,
    /// Persistent logins.
    pub persistent_logins: u64,
    /// Tickets.
    pub tickets: u64,
    /// Verification tokens.
    pub verification_tokens: u64,
    /// Mails that wait to be sent.
    pub queued_mails: u64,
}

/// How much there is now.
///
/// # Errors
///
/// Failures of the storage.
pub fn stats(app: &App) -> Result<Stats, Failure> {
    app.store.read(|txn| {
        Ok(Stats {
            access_tokens: access_token::count(txn)?,
            tenants: tenant::count(txn)?,
            profiles: profile::total(txn)?,
            persistent_logins: persistent_login::count(txn)?,
            tickets: ticket::count(txn)?,
            verification_tokens: verification_token::count(txn)?,
            queued_mails: mail_outbox::count(txn)?,
        })
    })
}
