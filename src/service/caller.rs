//! Who asks: the application that presents an access token, or the operator of the host.

use std::sync::{Arc, LazyLock};

use time::OffsetDateTime;
use time::macros::format_description;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::{AccessToken, AccessTokenId};
use crate::service::error::{Error, Refusal};
use crate::service::request_scope;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::access_token::{self, DigestedId};

/// Why a caller may not do what it asked for. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessRefusal {
    /// The request has no access token id, or an empty one.
    TokenMissing,
    /// No access token has this id.
    TokenUnknown {
        /// The id as the caller gave it.
        id: String,
    },
    /// The access token has expired.
    TokenExpired {
        /// The id as the caller gave it.
        id: String,
        /// The application that the token was issued to.
        application: String,
        /// The day of expiry (UTC) as `MM/dd/yyyy`.
        expired_on: String,
    },
    /// The access token does not allow the action on the tenant.
    ActionDenied {
        /// The name of the action.
        action: &'static str,
        /// The tenant's name.
        tenant: String,
    },
    /// The access token does not allow the action on all tenants, or on access tokens.
    GlobalActionDenied {
        /// The name of the action.
        action: &'static str,
    },
    /// The access token's application may not do it with the attribute.
    AttributeActionDenied {
        /// The name of the action.
        action: &'static str,
        /// The attribute's name.
        attribute: String,
    },
    /// The access token does not allow the action on an access token.
    TokenActionDenied {
        /// The name of the action.
        action: &'static str,
        /// The id of the other access token, as the caller gave it.
        id: String,
    },
}

impl<R: From<AccessRefusal>> From<AccessRefusal> for Error<R> {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl<R: Refusal + From<AccessRefusal>> From<Error<AccessRefusal>> for Error<R> {
    fn from(error: Error<AccessRefusal>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(failure) => failure.into(),
        }
    }
}

/// What a request came with that says who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The id of an access token.
    Application(DigestedId),
    /// The authority of whoever can use the data directory: the request came over the local socket, without an access
    /// token.
    LocalOperator,
    /// Nothing.
    Unknown,
}

static LOCAL_OPERATOR: LazyLock<Arc<AccessToken>> =
    LazyLock::new(|| Arc::new(AccessToken::local_operator()));

impl Caller {
    /// The caller that presents `access_token_id`; an empty one is none.
    pub fn new(access_token_id: Option<String>) -> Self {
        access_token_id
            .and_then(AccessTokenId::new)
            .map_or(Self::Unknown, |id| Self::Application(DigestedId::new(id)))
    }

    /// Whether there is one at all.
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// The caller's access token, which exists and is not expired at `now`.
    ///
    /// # Errors
    ///
    /// The refusal that the wire contract has for each case ("Errors"); failures of the storage.
    pub fn identify(
        &self,
        txn: &impl Read,
        now: Timestamp,
    ) -> Result<Arc<AccessToken>, Error<AccessRefusal>> {
        let id = match self {
            Self::Application(id) => id,
            Self::LocalOperator => {
                request_scope::note_caller(&LOCAL_OPERATOR);
                return Ok(Arc::clone(&LOCAL_OPERATOR));
            }
            Self::Unknown => return Err(AccessRefusal::TokenMissing.into()),
        };
        let Some(token) = access_token::get(txn, id)? else {
            let id = id.id.reveal().to_owned();
            return Err(AccessRefusal::TokenUnknown { id }.into());
        };
        match token.expires_on {
            Some(expiry) if token.is_expired(now) => Err(AccessRefusal::TokenExpired {
                id: id.id.reveal().to_owned(),
                application: token.application.clone(),
                expired_on: day(expiry),
            }
            .into()),
            _ => {
                request_scope::note_caller(&token);
                Ok(token)
            }
        }
    }

    /// Removes the file of the caller's access token, if that was generated and is used for the first time.
    pub(super) fn note_use(&self, app: &App) {
        if app.unused_tokens.are_any() {
            self.note_first_use(app);
        }
    }

    #[cold]
    fn note_first_use(&self, app: &App) {
        let now = app.clock.now().time();
        let identified = transaction::read(app, |txn| self.identify(txn, now));
        if let (Ok(_), Self::Application(id)) = (identified, self) {
            app.unused_tokens.remove(id.id.reveal());
        }
    }
}

/// Refuses a caller that has no valid access token, before the rest of its request is looked at.
///
/// # Errors
///
/// As [`Caller::identify`].
pub fn admit(app: &App, caller: &Caller) -> Result<(), Error<AccessRefusal>> {
    let now = app.clock.now().time();
    caller.note_use(app);
    transaction::read(app, |txn| caller.identify(txn, now).map(drop))
}

/// The day as `MM/dd/yyyy`, in UTC.
fn day(moment: Timestamp) -> String {
    let format = format_description!("[month]/[day]/[year]");
    OffsetDateTime::from_unix_timestamp(moment.as_millis().div_euclid(1_000))
        .ok()
        .and_then(|date| date.format(&format).ok())
        .unwrap_or_else(|| "an unknown day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_the_contract_has_them() {
        assert_eq!(day(Timestamp::from_millis(1_495_665_332_589)), "05/24/2017");
        assert_eq!(day(Timestamp::from_millis(-1)), "12/31/1969");
        assert_eq!(day(Timestamp::from_millis(i64::MAX)), "an unknown day");
    }
}
