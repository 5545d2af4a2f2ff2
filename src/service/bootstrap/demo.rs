//! The demo data's access token is public: a server that other hosts can reach must not accept it.

use crate::app::App;
use crate::config::Config;
use crate::domain::access_token::AccessTokenId;
use crate::error::Failure;
use crate::tables::access_token::{self, DigestedId};

/// The access token id in `data/demo.json`, which the original server ships as a default too.
pub const ACCESS_TOKEN_ID: &str = "e8f5170c-877b-416f-b70f-4b09772f8e2d";

/// Whether other hosts can reach an address that is listened on, and are not to use the demo data's access token.
pub fn is_refused(config: &Config) -> bool {
    !config.http.is_loopback_only() && !config.data.allow_demo_secrets
}

/// Whether the demo data's access token is in the database.
///
/// # Errors
///
/// Failures of the storage.
pub fn is_known(app: &App) -> Result<bool, Failure> {
    let id = AccessTokenId::new(ACCESS_TOKEN_ID).expect("the id is not empty");
    let id = DigestedId::new(id);
    app.store
        .read(|txn| Ok(access_token::get(txn, &id)?.is_some()))
}
