//! Reads the profiles that may be in a list, in steps between which the thread serves others.
//!
//! A step reads some of them from a snapshot of its own; the next one goes on after the last of them. So no snapshot stays
//! open for long.

use std::ops::ControlFlow;
use std::time::Instant;

use tokio::task::yield_now;

use crate::app::App;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::profile::list::wanted::Listed;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;
use crate::service::steps::{StepLimit, pause};
use crate::storage::transaction::Read;
use crate::tables::profile;

/// What comes after a profile, or after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The next one.
    GoOn,
    /// The end: there are no more, or no more are wanted.
    End,
}

/// Where the profiles come from, and how far it was read.
pub(super) struct Source<'a> {
    app: &'a App,
    place: Place,
    /// How many were read so far.
    examined: usize,
    began: Instant,
    /// How many requests there had been when the list paused last.
    requests: u64,
}

enum Place {
    /// The tenant, if the name can be one, and the username after which the next step begins.
    Tenant(Option<TenantName>, Option<String>),
    /// The ids, sorted, and how many of them were read.
    Ids(Vec<ObjectId>, usize),
}

impl<'a> Source<'a> {
    pub(super) fn new(app: &'a App, listed: &Listed) -> Self {
        let place = match listed {
            Listed::OfTenant(name, _) => Place::Tenant(TenantName::new(name.as_str()), None),
            Listed::WithIds(texts) => {
                let ids = texts.iter().filter_map(|text| ObjectId::parse(text));
                let mut ids: Vec<_> = ids.collect();
                ids.sort_unstable();
                ids.dedup();
                Place::Ids(ids, 0)
            }
        };
        Self {
            app,
            place,
            examined: 0,
            began: Instant::now(),
            requests: app.request_ids.count(),
        }
    }

    /// Calls `visit` with the next profiles, until it ends or it is time for others.
    ///
    /// # Errors
    ///
    /// What `visit` refuses or fails with; the refusal of more profiles than a list may take; failures of the storage.
    pub(super) fn step(
        &mut self,
        txn: &impl Read,
        mut visit: impl FnMut(Profile) -> Checked<Step>,
    ) -> Checked<Step> {
        let mut limit = StepLimit::begin();
        let max = self.app.config.requests.list_examined_max.get();
        let examined = &mut self.examined;
        // Whether the step, or all, ends with the profile that has this id.
        let mut visit_id = |id: ObjectId| -> Checked<ControlFlow<Step>> {
            *examined += 1;
            if *examined > max {
                return Err(ProfileRequestRefusal::TooManyExamined { max }.into());
            }
            if let Some(profile) = profile::get(txn, id)?
                && visit(profile)? == Step::End
            {
                return Ok(ControlFlow::Break(Step::End));
            }
            Ok(if limit.is_over_with_next() {
                ControlFlow::Break(Step::GoOn)
            } else {
                ControlFlow::Continue(())
            })
        };
        match &mut self.place {
            Place::Tenant(None, _) => Ok(Step::End),
            Place::Tenant(Some(tenant), after) => {
                let mut outcome = Ok(Step::End);
                let last = profile::visit_tenant(txn, tenant, after.as_deref(), |entry| {
                    let id = match entry {
                        Ok(id) => id,
                        Err(failure) => {
                            tracing::warn!(%failure, "a list lacks a profile whose entry cannot be read");
                            return ControlFlow::Continue(());
                        }
                    };
                    outcome = match visit_id(id) {
                        Ok(ControlFlow::Continue(())) => return ControlFlow::Continue(()),
                        Ok(ControlFlow::Break(step)) => Ok(step),
                        Err(error) => Err(error),
                    };
                    ControlFlow::Break(())
                })?;
                *after = last;
                outcome
            }
            Place::Ids(ids, next) => {
                for id in &ids[*next..] {
                    *next += 1;
                    if let ControlFlow::Break(step) = visit_id(*id)? {
                        return Ok(step);
                    }
                }
                Ok(Step::End)
            }
        }
    }

    /// Lets the thread serve others before the next step.
    ///
    /// # Errors
    ///
    /// [`Failure::ListsFull`] if the list takes so long that its request would fail for that; [`Failure::Unavailable`] if
    /// the server ends.
    pub(super) async fn pause(&mut self) -> Result<(), Failure> {
        // After more the request would fail as a write does whose outcome is not known.
        if self.began.elapsed() > self.app.config.requests.write_timeout * 3 / 4 {
            return Err(Failure::ListsFull);
        }
        // One pauses at a time, and goes to the end of the queue with its next pause: of any number of them, a request that
        // is served between steps waits for one step, not for one of each.
        let permit = self.app.long_lists.acquire().await;
        let _permit = permit.map_err(|_closed| Failure::Unavailable)?;
        let requests = self.app.request_ids.count();
        if requests == self.requests {
            // Nobody is there who would have to wait.
            yield_now().await;
        } else {
            pause().await;
        }
        self.requests = requests;
        Ok(())
    }
}
