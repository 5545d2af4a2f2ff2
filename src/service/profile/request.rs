//! A request for one profile, and the checks that each of them begins with.

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::AccessToken;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::service::access::require_profiles;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::storage::transaction::Read;
use crate::tables::profile;

/// What a check comes to.
pub type Checked<T> = Result<T, Error<ProfileRequestRefusal>>;

/// A request for the profile with an id.
pub(in crate::service) struct SingleProfileRequest {
    caller: Caller,
    /// The id as the caller gave it.
    id_text: String,
    pub(in crate::service) context: OpContext,
}

impl SingleProfileRequest {
    pub(in crate::service) fn new(app: &App, caller: Caller, id: String) -> Self {
        caller.note_use(app);
        Self {
            caller,
            id_text: id,
            context: OpContext::as_system(app),
        }
    }

    /// The caller and the profile, if there is one and the caller may do with profiles of its tenant what it likes, as far
    /// as that is not checked further. The order is that of the wire contract: the profile exists, MANAGE_PROFILES,
    /// READ_TENANT.
    pub(in crate::service) fn authorize(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, Profile)> {
        self.find(txn)?.ok_or_else(|| {
            let id = self.id_text.clone();
            ProfileRefusal::NotFound { id }.into()
        })
    }

    /// As [`SingleProfileRequest::authorize`], but `None` if there is no such profile.
    pub(super) fn find(&self, txn: &impl Read) -> Checked<Option<(Arc<AccessToken>, Profile)>> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let found = match ObjectId::parse(&self.id_text) {
            Some(id) => profile::get(txn, id)?,
            None => None,
        };
        let Some(profile) = found else {
            return Ok(None);
        };
        require_profiles(&token, profile.tenant.as_str())?;
        Ok(Some((token, profile)))
    }
}
