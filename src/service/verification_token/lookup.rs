//! Finding a verification token by its id, if it is valid.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock::timeline::Now;
use crate::domain::key_ring::KeyRing;
use crate::domain::verification_token::{
    VerificationToken, VerificationTokenDigest, VerificationTokenId,
};
use crate::error::Failure;
use crate::service::verification_token::refusal::VerificationTokenRefusal;
use crate::storage::transaction::Read;
use crate::tables::verification_token;

/// A verification token that is looked for.
pub(in crate::service) struct VerificationTokenLookup {
    /// The id as the caller gave it.
    id_text: String,
    /// `None` if that is no id.
    pub(super) id: Option<VerificationTokenId>,
    keys: Arc<KeyRing>,
    max_age: Duration,
}

impl VerificationTokenLookup {
    /// The verification token whose id the caller gave as `id`.
    ///
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(in crate::service) fn new(app: &App, id: String) -> Result<Self, Failure> {
        Ok(Self {
            id: VerificationTokenId::parse(&id),
            id_text: id,
            keys: Arc::clone(app.keys.get()?),
            max_age: app.config.verification_tokens.verification_token_max_age,
        })
    }

    /// The token, if it is valid at `now`. It may be of a profile that is gone.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(in crate::service) fn find(
        &self,
        txn: &impl Read,
        now: &Now,
    ) -> Result<Option<VerificationToken>, Failure> {
        let Some(id) = self.id else {
            return Ok(None);
        };
        for digest in VerificationTokenDigest::possible(id, &self.keys) {
            if let Some(token) = verification_token::get(txn, digest)? {
                return Ok((!token.is_expired(now, self.max_age)).then_some(token));
            }
        }
        Ok(None)
    }

    /// That the token is not valid.
    pub(in crate::service) fn not_found(&self) -> VerificationTokenRefusal {
        let id = self.id_text.clone();
        VerificationTokenRefusal::NotFound { id }
    }
}
