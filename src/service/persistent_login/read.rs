//! An application looks at a login.

use crate::app::App;
use crate::domain::persistent_login::PersistentLogin;
use crate::service::access::{LoginRequest, issue};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::transaction;

/// The login with this id.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired login or one whose profile is gone, and a caller
/// without MANAGE_TICKETS on the login's tenant, in this order.
pub fn read(
    app: &App,
    caller: Caller,
    id: String,
) -> Result<PersistentLogin, Error<PersistentLoginRefusal>> {
    let request = LoginRequest::new(app, caller, id)?;
    let login = transaction::read(app, |txn| request.authorize_read(txn))?;
    Ok(issue(&login, &request.keys, &request.context.now.timeline)?)
}
