//! A master looks at an access token.

use crate::app::App;
use crate::domain::access_token::{AccessTokenId, TokenAction};
use crate::service::access_token::IssuedToken;
use crate::service::access_token::master::MasterRequest;
use crate::service::access_token::refusal::AccessTokenRefusal;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::transaction;
use crate::tables::access_token::{self, DigestedId};

/// The access token with this id, expired or not.
///
/// # Errors
///
/// Refuses an invalid caller, one that is no master, and an unknown id, in this order.
pub fn read(
    app: &App,
    caller: Caller,
    id: String,
) -> Result<IssuedToken, Error<AccessTokenRefusal>> {
    let request = MasterRequest::new(app, caller, TokenAction::Read, Some(&id));
    let digested = AccessTokenId::new(id.as_str()).map(DigestedId::new);
    transaction::read(app, |txn| {
        request.authorize(txn)?;
        let found = match &digested {
            Some(digested) => access_token::get(txn, digested)?,
            None => None,
        };
        let token = found.ok_or(AccessTokenRefusal::NotFound { id })?;
        let id = digested.map(|digested| digested.id);
        Ok(IssuedToken { id, token })
    })
}
