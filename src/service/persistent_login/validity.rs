//! Whether a login may still be used, as every operation on many logins decides it.

use std::sync::Arc;

use crate::clock::timeline::Now;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::Lifetime;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::ended::{self, EndedLogins};
use crate::tables::persistent_login::usage::Usage;

/// What decides whether a login may be used, at one moment.
pub(super) struct Validity {
    now: Now,
    lifetime: Lifetime,
    keys: Arc<KeyRing>,
    ended: Arc<EndedLogins>,
}

/// Why a login may not be used any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Invalid {
    /// It was ended together with all others of its profile, or whether it was is unreadable; it is removed by
    /// [`remove_ended`](super::end::remove_ended) alone.
    Ended,
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
        txn: &impl Read,
        context: &OpContext,
        keys: &Arc<KeyRing>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            now: context.now.clone(),
            lifetime: context.lifetime,
            keys: Arc::clone(keys),
            ended: ended::all(txn)?,
        })
    }

    /// As [`Validity::at`], for the logins of this profile.
    ///
    /// # Errors
    ///
    /// Failures of the storage, and that it cannot be read whether its logins were ended.
    pub(super) fn of_profile_at(
        txn: &impl Read,
        context: &OpContext,
        keys: &Arc<KeyRing>,
        profile_id: ObjectId,
    ) -> Result<Self, Failure> {
        let validity = Self::at(txn, context, keys)?;
        validity.ended.of(profile_id)?;
        Ok(validity)
    }

    /// Whether the login used so is valid, and if not, why.
    pub(super) fn of(&self, usage: &Usage) -> Result<(), Invalid> {
        let ended = self.ended.have(usage.profile_id, usage.id, usage.era);
        let (created, last_used) = (usage.created, usage.last_used);
        if ended != Ok(false) {
            Err(Invalid::Ended)
        } else if self.lifetime.is_over(created, last_used, &self.now) {
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
