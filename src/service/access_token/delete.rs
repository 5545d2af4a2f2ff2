//! An application loses its access token.

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessTokenId, TokenAction};
use crate::service::access_token::master::MasterRequest;
use crate::service::access_token::refusal::AccessTokenRefusal;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::transaction;
use crate::tables::access_token::{self, DigestedId};

/// Deletes the access token with this id, also the caller's own; one that does not exist is deleted already. Requests
/// of its application that have not been carried out by then are refused.
///
/// # Errors
///
/// Refuses an invalid caller, and one that is no master.
pub async fn delete(
    app: &App,
    caller: Caller,
    id: String,
) -> Result<(), Error<AccessTokenRefusal>> {
    let request = MasterRequest::new(app, caller, TokenAction::Delete, Some(&id));
    let found = transaction::read(app, |txn| {
        request.authorize(txn)?;
        let id = AccessTokenId::new(id.as_str()).map(DigestedId::new);
        match id {
            Some(id) => Ok(access_token::get(txn, &id)?.map(|_| id)),
            None => Ok(None),
        }
    })?;
    let Some(digested) = found else {
        return Ok(());
    };
    transaction::write(app, move |txn| {
        let caller = request.authorize(txn)?;
        if let Some(token) = access_token::get(txn, &digested)? {
            access_token::delete(txn, &digested)?;
            let subject = Subject::AccessToken {
                digest: *digested.digest(),
                issued_to: token.application.clone(),
            };
            let context = request.context.as_caller(caller);
            context.record_subject(txn, Event::DeleteAccessToken, subject);
        }
        Ok(())
    })
    .await?;
    // The file of one that was generated and that nobody has used.
    app.unused_tokens.remove(&id);
    Ok(())
}
