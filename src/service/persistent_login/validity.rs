//! Whether a login may still be used, as every operation on many logins decides it.

use std::sync::Arc;

use crate::clock::timeline::Now;
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::{Era, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::Lifetime;
use crate::error::Failure;
use crate::service::context::OpContext;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::ended::{self, EndedLogins};
use crate::tables::persistent_login::usage::Usage;
use crate::tables::profile;

/// What decides whether a login may be used, at one moment.
pub(super) struct Validity {
    now: Now,
    lifetime: Lifetime,
    keys: Arc<KeyRing>,
    ended: Arc<EndedLogins>,
    /// Logins of earlier eras were ended with all others of the tenant.
    first_era: Era,
}

/// Why a login may not be used any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Invalid {
    /// It was ended together with all others of its profile or tenant, or whether it was is unreadable; it is removed
    /// by [`remove_ended`](super::end::remove_ended) and
    /// [`remove_ended_together`](super::end_together::remove_ended_together) alone.
    Ended,
    /// It is too old, or was unused for too long.
    Expired,
    /// The key of its tokens is missing.
    KeyMissing,
}

impl Validity {
    /// At the moment of the operation, in this state of the database, for the logins of this profile.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn at(
        txn: &impl Read,
        context: &OpContext,
        keys: &Arc<KeyRing>,
        profile_id: ObjectId,
    ) -> Result<Self, Failure> {
        let ended = ended::all(txn)?;
        Ok(Self {
            now: context.now.clone(),
            lifetime: context.lifetime,
            keys: Arc::clone(keys),
            first_era: first_era(txn, &ended, profile_id)?,
            ended,
        })
    }

    /// As [`Validity::at`], unless it is unknown whether the logins were ended.
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
        let validity = Self::at(txn, context, keys, profile_id)?;
        validity.ended.of(profile_id)?;
        Ok(validity)
    }

    /// Whether the login used so is valid, and if not, why.
    pub(super) fn of(&self, usage: &Usage) -> Result<(), Invalid> {
        let ended = self.ended.have(usage.profile_id, usage.id, usage.era);
        let (created, last_used) = (usage.created, usage.last_used);
        if ended != Ok(false) || usage.era < self.first_era {
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

/// The era before which the logins of the profile ended with all others of its tenant, or with all there were.
fn first_era(txn: &impl Read, ended: &EndedLogins, profile_id: ObjectId) -> Result<Era, Failure> {
    let together = ended.together();
    if together.is_empty() {
        return Ok(0);
    }
    match profile::status(txn, profile_id)? {
        Some(profile) => together.era_of(&profile.tenant),
        None => together.era_of_all(),
    }
}
