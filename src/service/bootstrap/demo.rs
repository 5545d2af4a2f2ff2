//! The demo data's access token is public: a server that other hosts can reach must not accept it.

use crate::app::App;
use crate::domain::access_token::AccessTokenId;
use crate::error::Failure;
use crate::tables::access_token::{self, DigestedId};

/// The access token id in `data/demo.json`, which the original server ships as a default too.
pub const ACCESS_TOKEN_ID: &str = "e8f5170c-877b-416f-b70f-4b09772f8e2d";

/// Whether other hosts could use the demo data's access token: it is in the database, and the address to listen
/// on is not a loopback address.
///
/// # Errors
///
/// Failures of the storage.
pub fn is_exposed(app: &App) -> Result<bool, Failure> {
    if app.config.http.listen.ip().to_canonical().is_loopback() {
        return Ok(false);
    }
    let id = AccessTokenId::new(ACCESS_TOKEN_ID).expect("the id is not empty");
    let id = DigestedId::new(id);
    app.store
        .read(|txn| Ok(access_token::get(txn, &id)?.is_some()))
}
