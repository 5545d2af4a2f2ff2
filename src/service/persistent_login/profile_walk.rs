//! Reading all logins of a profile, in steps between which the thread serves others.
//!
//! A profile may have very many logins: an import brings them, and it takes a while until those beyond the cap are
//! gone. A step reads some of them from a snapshot of its own and returns; the next one goes on after the last key.
//! So no snapshot stays open for long, and a login that is rotated meanwhile is still visited once. One created or
//! ended meanwhile may be visited or not. What is so short that one step reads it is of one moment.

use std::ops::ControlFlow;

use tokio::sync::SemaphorePermit;

use crate::app::App;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::error::Failure;
use crate::service::steps::{StepLimit, pause};
use crate::storage::transaction::Read;
use crate::tables::persistent_login;
use crate::tables::persistent_login::usage::Usage;

/// A walk over the logins of a profile.
pub(super) struct ProfileWalk<'a> {
    app: &'a App,
    /// The login after which the next step goes on.
    after: Option<PersistentLoginId>,
    /// Where the walk ends, once it has gone round the end of the profile's logins.
    end: Option<PersistentLoginId>,
    has_gone_round: bool,
    /// Whether it passes over records that cannot be read. A list must not be short in silence.
    leaves_out_corrupt: bool,
    /// Held from the second step on at the latest, so that of any number of long walks one is under way: a request that
    /// is served between steps waits for one step, not for one of each walk.
    permit: Option<SemaphorePermit<'a>>,
}

impl<'a> ProfileWalk<'a> {
    /// A walk that begins with the lowest id.
    pub(super) fn new(app: &'a App) -> Self {
        Self {
            app,
            after: None,
            end: None,
            has_gone_round: false,
            leaves_out_corrupt: false,
            permit: None,
        }
    }

    /// A walk over all logins that begins behind the id `start`, which goes round to the lowest one.
    pub(super) fn round_from(app: &'a App, start: PersistentLoginId) -> Self {
        Self {
            after: Some(start),
            end: Some(start),
            ..Self::new(app).without_corrupt()
        }
    }

    /// The same walk, but that it passes over records that cannot be read.
    pub(super) fn without_corrupt(self) -> Self {
        Self {
            leaves_out_corrupt: true,
            ..self
        }
    }

    /// Calls `visit` with the next logins of the profile, expired ones among them, until it breaks off or it is
    /// time for others. Returns whether the end of the profile's logins was reached.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn step(
        &mut self,
        txn: &impl Read,
        profile_id: ObjectId,
        mut visit: impl FnMut(Usage) -> ControlFlow<()>,
    ) -> Result<bool, Failure> {
        let mut limit = StepLimit::begin();
        loop {
            let end = self.end.filter(|_| self.has_gone_round);
            let mut is_at_end = false;
            let (after, leaves_out) = (self.after, self.leaves_out_corrupt);
            self.after =
                persistent_login::visit_profile(txn, profile_id, after, leaves_out, |usage| {
                    if end.is_some_and(|end| usage.id > end) {
                        is_at_end = true;
                        return ControlFlow::Break(());
                    }
                    visit(usage)?;
                    if limit.is_over_with_next() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })?;
            let has_more = self.after.is_some() && !is_at_end;
            if has_more || self.end.is_none() || self.has_gone_round {
                return Ok(!has_more);
            }
            self.has_gone_round = true;
        }
    }

    /// Waits until no other long walk is under way.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if the server ends.
    pub(super) async fn exclude_others(&mut self) -> Result<(), Failure> {
        if self.permit.is_none() {
            let permit = self.app.long_walks.acquire().await;
            self.permit = Some(permit.map_err(|_closed| Failure::Unavailable)?);
        }
        Ok(())
    }

    /// Lets the thread serve others before the next step.
    ///
    /// # Errors
    ///
    /// As [`ProfileWalk::exclude_others`].
    pub(super) async fn pause(&mut self) -> Result<(), Failure> {
        self.exclude_others().await?;
        pause().await;
        Ok(())
    }

    /// Ends the walk; no other long one goes on as long as the permit is held.
    pub(super) fn into_permit(self) -> Option<SemaphorePermit<'a>> {
        self.permit
    }
}
