//! An application gets an access token.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, AccessTokenId, TokenAction};
use crate::service::access_token::IssuedToken;
use crate::service::access_token::master::MasterRequest;
use crate::service::access_token::refusal::AccessTokenRefusal;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::access_token::{self, DigestedId, SealedId};

/// Creates an access token; without an `id` it gets a random UUID.
///
/// # Errors
///
/// Refuses an invalid caller, one that is no master, and an id that an access token has, in this order.
pub async fn create(
    app: &App,
    caller: Caller,
    id: Option<AccessTokenId>,
    token: AccessToken,
) -> Result<IssuedToken, Error<AccessTokenRefusal>> {
    let request = MasterRequest::new(app, caller, TokenAction::Create, None);
    let random = || AccessTokenId::new(app.entropy.uuid().to_string());
    let id = id.or_else(random).expect("a UUID is not empty");
    let id = DigestedId::new(id);
    transaction::read(app, |txn| {
        request.authorize(txn)?;
        require_new(txn, &id)
    })?;
    // Held until it is written: the key that seals the id is not dropped meanwhile.
    let keys = Arc::clone(app.keys.get()?);
    let sealed = SealedId::seal(&keys, app.entropy.bytes(), &id);
    let issued = IssuedToken {
        id: Some(id.id.clone()),
        token: Arc::new(token),
    };
    let token = Arc::clone(&issued.token);
    transaction::write(app, move |txn| {
        let caller = request.authorize(txn)?;
        require_new(txn, &id)?;
        access_token::put(txn, &id, &sealed, &token)?;
        let subject = Subject::AccessToken {
            digest: *id.digest(),
            issued_to: token.application.clone(),
        };
        let context = request.context.as_caller(caller);
        context.record_subject(txn, Event::CreateAccessToken, subject);
        Ok(())
    })
    .await?;
    Ok(issued)
}

fn require_new(txn: &impl Read, id: &DigestedId) -> Result<(), Error<AccessTokenRefusal>> {
    match access_token::get(txn, id)? {
        None => Ok(()),
        Some(_) => {
            let id = id.id.reveal().to_owned();
            Err(AccessTokenRefusal::Exists { id }.into())
        }
    }
}
