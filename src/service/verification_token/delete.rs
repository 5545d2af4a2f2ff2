//! An application has no use for a verification token any more.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::verification_token::VerificationToken;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::transaction;
use crate::service::verification_token::lookup::VerificationTokenLookup;
use crate::service::verification_token::refusal::VerificationTokenRefusal;
use crate::storage::transaction::Read;
use crate::tables::verification_token;

/// Deletes the verification token with this id; one that does not exist is deleted already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_PROFILES on the tenant of a token that exists.
pub async fn delete(
    app: &App,
    caller: Caller,
    id: String,
) -> Result<(), Error<VerificationTokenRefusal>> {
    caller.note_use(app);
    let deletion = Deletion {
        caller,
        context: OpContext::as_system(app),
        lookup: VerificationTokenLookup::new(app, id)?,
    };
    if transaction::read(app, |txn| deletion.authorize(txn))?
        .1
        .is_none()
    {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        if let (caller, Some(token)) = deletion.authorize(txn)? {
            verification_token::delete(txn, &token)?;
            let subject = Subject::Profile {
                tenant: token.tenant,
                id: token.profile_id,
            };
            let context = deletion.context.as_caller(caller);
            context.record_subject(txn, Event::DeleteVerificationToken, subject);
        }
        Ok(())
    })
    .await
}

struct Deletion {
    caller: Caller,
    context: OpContext,
    lookup: VerificationTokenLookup,
}

impl Deletion {
    /// The caller, and the token if there is one, if the caller may delete it.
    fn authorize(
        &self,
        txn: &impl Read,
    ) -> Result<(Arc<AccessToken>, Option<VerificationToken>), Error<VerificationTokenRefusal>>
    {
        let now = &self.context.now;
        let caller = self.caller.identify(txn, now.time())?;
        let found = self.lookup.find(txn, now)?;
        if let Some(token) = &found {
            require(&caller, TenantAction::ManageProfiles, token.tenant.as_str())?;
        }
        Ok((caller, found))
    }
}
