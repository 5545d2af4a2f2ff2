//! A request for one profile, and the checks that each of them begins with.

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::error::Failure;
use crate::service::access::{require, require_profiles};
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::verification_token::lookup::VerificationTokenLookup;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::{profile, verification_token};

/// What a check comes to.
pub type Checked<T> = Result<T, Error<ProfileRequestRefusal>>;

/// A request for one profile.
pub(in crate::service) struct SingleProfileRequest {
    caller: Caller,
    selector: Selector,
    pub(in crate::service) context: OpContext,
}

/// What selects the profile.
enum Selector {
    /// Its id as the caller gave it.
    Id(String),
    /// A verification token of it, which is used up by a change.
    VerificationToken(VerificationTokenLookup),
}

impl SingleProfileRequest {
    pub(in crate::service) fn new(app: &App, caller: Caller, id: String) -> Self {
        Self::selecting(app, caller, Selector::Id(id))
    }

    /// A request for the profile of the verification token with this id, which is the caller's text.
    ///
    /// # Errors
    ///
    /// As [`VerificationTokenLookup::new`].
    pub(super) fn by_verification_token(
        app: &App,
        caller: Caller,
        id: String,
    ) -> Result<Self, Failure> {
        let lookup = VerificationTokenLookup::new(app, id)?;
        Ok(Self::selecting(
            app,
            caller,
            Selector::VerificationToken(lookup),
        ))
    }

    fn selecting(app: &App, caller: Caller, selector: Selector) -> Self {
        caller.note_use(app);
        Self {
            caller,
            selector,
            context: OpContext::as_system(app),
        }
    }

    /// The caller and the profile, if there is one and the caller may do with profiles of its tenant what it likes, as
    /// far as that is not checked further. The order is that of the wire contract: the profile exists, MANAGE_PROFILES,
    /// READ_TENANT. Before it, a verification token exists, and MANAGE_PROFILES on its tenant.
    pub(in crate::service) fn authorize(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, Profile)> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let id = self.selected(txn, &token)?;
        let profile = allowed(txn, &token, id)?.ok_or_else(|| ProfileRefusal::NotFound {
            id: match (&self.selector, id) {
                (Selector::Id(text), _) => text.clone(),
                (Selector::VerificationToken(_), id) => {
                    id.map(|id| id.to_string()).unwrap_or_default()
                }
            },
        })?;
        Ok((token, profile))
    }

    /// As [`SingleProfileRequest::authorize`], but `None` if there is no such profile.
    pub(super) fn find(&self, txn: &impl Read) -> Checked<Option<(Arc<AccessToken>, Profile)>> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let id = self.selected(txn, &token)?;
        Ok(allowed(txn, &token, id)?.map(|profile| (token, profile)))
    }

    /// Removes what serves for one change alone, in the transaction in which it was found.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn use_up(&self, txn: &WriteTxn) -> Result<(), Failure> {
        let found = match &self.selector {
            Selector::Id(_) => None,
            Selector::VerificationToken(lookup) => lookup.find(txn, &self.context.now)?,
        };
        found.map_or(Ok(()), |token| verification_token::delete(txn, &token))
    }

    /// The id of the profile; `None` if what the caller gave is none.
    fn selected(&self, txn: &impl Read, token: &AccessToken) -> Checked<Option<ObjectId>> {
        match &self.selector {
            Selector::Id(text) => Ok(ObjectId::parse(text)),
            Selector::VerificationToken(lookup) => {
                let found = lookup.find(txn, &self.context.now)?;
                let found = found.ok_or_else(|| lookup.not_found())?;
                require(token, TenantAction::ManageProfiles, found.tenant.as_str())?;
                Ok(Some(found.profile_id))
            }
        }
    }
}

/// The profile with this id, if there is one and the caller may read the profiles of its tenant.
fn allowed(txn: &impl Read, token: &AccessToken, id: Option<ObjectId>) -> Checked<Option<Profile>> {
    let found = match id {
        Some(id) => profile::get(txn, id)?,
        None => None,
    };
    if let Some(profile) = &found {
        require_profiles(token, profile.tenant.as_str())?;
    }
    Ok(found)
}
