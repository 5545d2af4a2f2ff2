//! An application looks at a login.

use crate::app::App;
use crate::service::access::{LoginRequest, issue};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::extension::{Extension, IssuedLogin};
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::transaction;
use crate::tables::profile;

/// The login with this id, extended if that is asked for.
///
/// Where refreshes are coalesced, it has the token that was replaced as long as a refresh without one would be: see
/// [`TokenChain::shown`](crate::domain::token_chain::TokenChain::shown).
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired login or one whose profile is gone, and a caller
/// without MANAGE_TICKETS on the login's tenant, in this order.
pub fn read(
    app: &App,
    caller: Caller,
    id: String,
    is_extended: bool,
) -> Result<IssuedLogin, Error<PersistentLoginRefusal>> {
    let request = LoginRequest::new(app, caller, id)?;
    let (login, extension) = transaction::read(app, |txn| {
        let login = request.authorize_read(txn)?;
        let mut extension = None;
        if is_extended {
            let username = profile::username(txn, login.profile_id)?;
            let (lifetime, timeline) = (request.context.lifetime, &request.context.now.timeline);
            extension = Some(Extension::of(&login, username, lifetime, timeline));
        }
        Ok((login, extension))
    })?;
    let now = &request.context.now;
    let mut issued = issue(&login, &request.keys, &now.timeline)?;
    let shown = login.chain.shown(app.config.logins.coalesce_refreshes, now);
    if shown != login.chain.current
        && let Some(token) = login.token(&request.keys, shown)
    {
        issued.token = token;
    }
    Ok(IssuedLogin {
        login: issued,
        extension,
    })
}
