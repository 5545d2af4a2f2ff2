//! An application looks at a verification token, which uses nothing up.

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::verification_token::IssuedVerificationToken;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::transaction;
use crate::service::verification_token::lookup::VerificationTokenLookup;
use crate::service::verification_token::refusal::VerificationTokenRefusal;

/// The verification token with this id.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired token, and a caller without MANAGE_PROFILES on its tenant, in this
/// order.
pub fn read(
    app: &App,
    caller: &Caller,
    id: String,
) -> Result<IssuedVerificationToken, Error<VerificationTokenRefusal>> {
    caller.note_use(app);
    let now = app.clock.now();
    let lookup = VerificationTokenLookup::new(app, id)?;
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now.time())?;
        let found = lookup.find(txn, &now)?;
        let found = found.ok_or_else(|| lookup.not_found())?;
        require(&token, TenantAction::ManageProfiles, found.tenant.as_str())?;
        let id = lookup.id.expect("what was found has an id");
        Ok(found.issue(id, &now.timeline))
    })
}
