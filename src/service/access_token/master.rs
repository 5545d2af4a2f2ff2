//! The check that all use cases of access tokens begin with.

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::{AccessToken, TokenAction};
use crate::service::access_token::refusal::AccessTokenRefusal;
use crate::service::caller::{AccessRefusal, Caller};
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::storage::transaction::Read;

/// A request that only a master may make.
pub(super) struct MasterRequest {
    caller: Caller,
    action: TokenAction,
    /// Which access token it concerns; `None` for all, or one that does not exist yet.
    id: Option<String>,
    pub(super) context: OpContext,
}

impl MasterRequest {
    pub(super) fn new(app: &App, caller: Caller, action: TokenAction, id: Option<&str>) -> Self {
        caller.note_use(app);
        Self {
            caller,
            action,
            id: id.map(str::to_owned),
            context: OpContext::as_system(app),
        }
    }

    /// The caller, which is a master.
    ///
    /// # Errors
    ///
    /// Refuses an invalid caller, and one that is no master.
    pub(super) fn authorize(
        &self,
        txn: &impl Read,
    ) -> Result<Arc<AccessToken>, Error<AccessTokenRefusal>> {
        let caller = self.caller.identify(txn, self.context.now.time())?;
        if caller.master {
            return Ok(caller);
        }
        let action = self.action.name();
        let refusal = match &self.id {
            Some(id) => AccessRefusal::TokenActionDenied {
                action,
                id: id.clone(),
            },
            None => AccessRefusal::GlobalActionDenied { action },
        };
        Err(refusal.into())
    }
}
