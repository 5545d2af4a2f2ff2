//! Finds the profiles that may be in a list, in steps between which the thread serves others.
//!
//! A step finds some of them from a snapshot of its own; the next one goes on after the last of them. So no snapshot
//! stays open for long.

use std::ops::{Bound, ControlFlow};
use std::time::Instant;

use tokio::task::yield_now;

use crate::app::App;
use crate::domain::object_id::ObjectId;
use crate::domain::query::Query;
use crate::domain::query::ranges::{IdRange, UsernameRange};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
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

/// A profile that may be in the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'c> {
    /// Its id.
    pub(super) id: ObjectId,
    /// Its username, if the index had it.
    pub(super) username: Option<&'c str>,
}

/// The profiles that may be in a list, in steps.
pub(super) struct Source<'a> {
    app: &'a App,
    cursor: Cursor,
    /// How many were found so far.
    examined: usize,
    /// Whether what `visit` does with one of them may take long.
    is_slow: bool,
    began: Instant,
    /// How many requests there had been when the list paused last.
    requests: u64,
}

/// Where the profiles come from, and how far it was read.
enum Cursor {
    /// There are none.
    Empty,
    /// The index of the tenant's usernames from the first one on, and what they begin with.
    Tenant(TenantName, Bound<String>, String),
    /// The tenant's usernames that are sorted here, and how many of them were looked for.
    Usernames(TenantName, Vec<String>, usize),
    /// The ids, sorted, and how many of them were visited.
    Ids(Vec<ObjectId>, usize),
}

impl<'a> Source<'a> {
    /// The profiles of the tenant with this name, if there is one.
    pub(super) fn of_tenant(app: &'a App, name: &str) -> Self {
        Self::new(
            app,
            TenantName::new(name).map_or(Cursor::Empty, Cursor::tenant),
        )
    }

    /// The profiles of the tenant with this name, if there is one, whose usernames come after `username`.
    pub(super) fn after(app: &'a App, name: &str, username: &str) -> Self {
        let first = Bound::Excluded(username.to_owned());
        let cursor = TenantName::new(name).map(|name| Cursor::Tenant(name, first, String::new()));
        Self::new(app, cursor.unwrap_or(Cursor::Empty))
    }

    /// The profiles with these ids.
    pub(super) fn of_ids(app: &'a App, texts: &[String]) -> Self {
        let ids = texts.iter().filter_map(|text| ObjectId::parse(text));
        Self::new(app, Cursor::ids(ids))
    }

    /// The profiles of the tenant that may match the query. Whether they do may take long if it `reads_records`.
    pub(super) fn of_query(
        app: &'a App,
        tenant: &TenantName,
        query: &Query,
        reads_records: bool,
    ) -> Self {
        let tenant = tenant.clone();
        let cursor = match (query.ids(), query.usernames()) {
            (IdRange::In(ids), _) => Cursor::Ids(ids, 0),
            (IdRange::Any, UsernameRange::Any) => Cursor::tenant(tenant),
            (IdRange::Any, UsernameRange::Exactly(username)) => {
                Cursor::Usernames(tenant, vec![username.to_owned()], 0)
            }
            (IdRange::Any, UsernameRange::In(usernames)) => {
                let usernames = usernames.into_iter().map(str::to_owned);
                Cursor::Usernames(tenant, usernames.collect(), 0)
            }
            (IdRange::Any, UsernameRange::StartsWith(prefix)) => {
                let first = Bound::Included(prefix.to_owned());
                Cursor::Tenant(tenant, first, prefix.to_owned())
            }
        };
        Self {
            is_slow: reads_records,
            ..Self::new(app, cursor)
        }
    }

    fn new(app: &'a App, cursor: Cursor) -> Self {
        Self {
            app,
            cursor,
            examined: 0,
            is_slow: false,
            began: Instant::now(),
            requests: app.request_ids.count(),
        }
    }

    /// Whether the profiles come in the order of their usernames; else in that of their ids.
    pub(super) fn is_by_username(&self) -> bool {
        !matches!(self.cursor, Cursor::Ids(..))
    }

    /// Calls `visit` with the next profiles, until it ends or it is time for others.
    ///
    /// # Errors
    ///
    /// What `visit` refuses or fails with; the refusal of more profiles than a list may take; failures of the storage.
    pub(super) fn step(
        &mut self,
        txn: &impl Read,
        mut visit: impl FnMut(Candidate<'_>) -> Checked<Step>,
    ) -> Checked<Step> {
        let mut limit = if self.is_slow {
            StepLimit::begin_slow()
        } else {
            StepLimit::begin()
        };
        let max = self.app.config.requests.list_examined_max.get();
        let examined = &mut self.examined;
        // Whether the step, or all, ends with this one.
        let mut visit = |candidate: Option<Candidate<'_>>| -> Checked<ControlFlow<Step>> {
            *examined += 1;
            if *examined > max {
                return Err(ProfileRequestRefusal::TooManyExamined { max }.into());
            }
            if let Some(candidate) = candidate
                && visit(candidate)? == Step::End
            {
                return Ok(ControlFlow::Break(Step::End));
            }
            Ok(if limit.is_over_with_next() {
                ControlFlow::Break(Step::GoOn)
            } else {
                ControlFlow::Continue(())
            })
        };
        match &mut self.cursor {
            Cursor::Empty => Ok(Step::End),
            Cursor::Tenant(tenant, first, prefix) => {
                let mut outcome = Ok(Step::End);
                let from = first.as_ref().map(String::as_str);
                let last = profile::visit_usernames(txn, tenant, from, |username, id| {
                    let id = match id {
                        Ok(id) => id,
                        Err(failure) => {
                            tracing::warn!(%failure, "a list lacks a profile whose entry cannot be read");
                            return ControlFlow::Continue(());
                        }
                    };
                    // An empty prefix has no valid address, and some processors take longer to compare that than all
                    // the rest takes.
                    if !prefix.is_empty() && !username.starts_with(prefix.as_str()) {
                        return ControlFlow::Break(());
                    }
                    let username = Some(username);
                    outcome = match visit(Some(Candidate { id, username })) {
                        Ok(ControlFlow::Continue(())) => return ControlFlow::Continue(()),
                        Ok(ControlFlow::Break(step)) => Ok(step),
                        Err(error) => Err(error),
                    };
                    ControlFlow::Break(())
                })?;
                if let Some(last) = last {
                    *first = Bound::Excluded(last);
                }
                outcome
            }
            Cursor::Usernames(tenant, usernames, next) => {
                for username in &usernames[*next..] {
                    *next += 1;
                    let id = profile::id_by_username(txn, tenant, username)?;
                    let username = Some(username.as_str());
                    let candidate = id.map(|id| Candidate { id, username });
                    if let ControlFlow::Break(step) = visit(candidate)? {
                        return Ok(step);
                    }
                }
                Ok(Step::End)
            }
            Cursor::Ids(ids, next) => {
                for id in &ids[*next..] {
                    *next += 1;
                    let (id, username) = (*id, None);
                    if let ControlFlow::Break(step) = visit(Some(Candidate { id, username }))? {
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
    /// [`Failure::ListsFull`] if the list takes so long that its request would fail for that; [`Failure::Unavailable`]
    /// if the server ends.
    pub(super) async fn pause(&mut self) -> Result<(), Failure> {
        // After more the request would fail as a write does whose outcome is not known.
        if self.began.elapsed() > self.app.config.requests.write_timeout * 3 / 4 {
            return Err(Failure::ListsFull);
        }
        // One pauses at a time, and goes to the end of the queue with its next pause: of any number of them, a request
        // that is served between steps waits for one step, not for one of each.
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

impl Cursor {
    fn tenant(name: TenantName) -> Self {
        Self::Tenant(name, Bound::Included(String::new()), String::new())
    }

    fn ids(ids: impl Iterator<Item = ObjectId>) -> Self {
        let mut ids = Vec::from_iter(ids);
        ids.sort_unstable();
        ids.dedup();
        Self::Ids(ids, 0)
    }
}
