//! Whether a login may still be used: what every look at many logins asks.

use std::sync::Arc;

use crate::clock::timeline::Now;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::Lifetime;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::usage::Usage;

/// What decides whether a login may be used, at one moment.
pub(super) struct Validity {
    now: Now,
    lifetime: Lifetime,
    keys: Arc<KeyRing>,
}

/// Why a login may not be used any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Invalid {
    /// It is too old, or was unused for too long.
    Expired,
    /// The key of its tokens is missing.
    KeyMissing,
}

impl Validity {
    /// At the moment of the operation, in this state of the database.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn at(
        _txn: &impl Read,
        context: &OpContext,
        keys: &Arc<KeyRing>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            now: context.now.clone(),
            lifetime: context.lifetime,
            keys: Arc::clone(keys),
        })
    }

    /// Whether the login used so is valid, and if not, why.
    pub(super) fn of(&self, usage: &Usage) -> Result<(), Invalid> {
        if self
            .lifetime
            .is_over(usage.created, usage.last_used, &self.now)
        {
            Err(Invalid::Expired)
        } else if self.keys.get(usage.key).is_none() {
            Err(Invalid::KeyMissing)
        } else {
            Ok(())
        }
    }

    /// As [`Validity::of`].
    pub(super) fn of_login(&self, login: &LoginState) -> Result<(), Invalid> {
        self.of(&Usage::of(login))
    }
}
