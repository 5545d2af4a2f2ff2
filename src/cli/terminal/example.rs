//! A command to try, for whoever starts a server on a new database.

use std::io::{self, IsTerminal};

use crate::app::App;
use crate::error::Failure;
use crate::service::bootstrap::demo;
use crate::service::bootstrap::token_file::UnusedToken;
use crate::tables::profile;

/// A call that changes nothing and works as it is: the list of a profile's logins. Without a profile, or an access
/// token that may be shown, it is the call that asks whether the server is ready. `address` is where a client on this
/// host connects to.
///
/// # Errors
///
/// Failures of the storage.
pub fn command(app: &App, address: &str, tokens: &[UnusedToken]) -> Result<String, Failure> {
    let profile = app.store.read(profile::first_id)?;
    let token = if demo::is_known(app)? {
        Some(demo::ACCESS_TOKEN_ID)
    } else if io::stdout().is_terminal() {
        tokens.first().map(|token| token.id.reveal())
    } else {
        None
    };
    Ok(match (token, profile) {
        (Some(token), Some(profile)) => {
            let context = app.config.http.context_path.as_str();
            format!(
                "curl \"http://{address}{context}/api/1/authentication/persistent_login/by_profile\
                 ?accessTokenId={token}&profileId={profile}\""
            )
        }
        (_, None) | (None, Some(_)) => format!("curl http://{address}/health/ready"),
    })
}
