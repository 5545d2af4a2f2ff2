//! Removes the logins that have expired, those beyond the cap of their profile, and those that were ended together.

use std::time::Duration;

use crate::app::{App, Phase};
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::batches::remove_batches;
use crate::jobs::job::{Job, Run};
use crate::service::persistent_login::end::{ended_profiles, remove_ended};
use crate::service::persistent_login::end_together::remove_ended_together;
use crate::service::persistent_login::expire::{delete_expired, delete_idle};
use crate::service::persistent_login::surplus::{SurplusSearch, remove_surplus};
use crate::tables::persistent_login::key::LoginKey;

/// Removes the logins that are too old, and a few at a time those that were unused for too long.
#[derive(Default)]
pub(super) struct ExpireLogins {
    /// The key after which the walk over all logins goes on.
    walked_to: Option<LoginKey>,
}

impl Job for ExpireLogins {
    fn name(&self) -> &'static str {
        "removing expired logins"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let removed = match remove_batches(app, || delete_expired(app)).await {
                // It is logged. The walk over all logins finds the others.
                Err(Failure::Unreadable(_)) => 0,
                removed => removed?,
            };
            if removed > 0 {
                tracing::info!(removed, "removed expired logins");
            }
            let has_idle_max = app.config.logins.persistent_login_idle_max.is_some();
            let is_damaged = !app.store.damage().is_empty();
            if has_idle_max || is_damaged || !app.keys.get()?.is_complete() {
                self.walked_to = delete_idle(app, self.walked_to).await?;
            }
            Ok(())
        })
    }
}

/// Finds profiles with more logins than the cap, a few logins at a time, and removes those unused longest.
#[derive(Default)]
pub(super) struct RemoveSurplus {
    search: SurplusSearch,
}

impl Job for RemoveSurplus {
    fn name(&self) -> &'static str {
        "removing logins beyond the cap of their profile"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            for profile in self.search.advance(app).await? {
                let mut removed = 0;
                loop {
                    let count = remove_surplus(app, profile).await?;
                    removed += count;
                    if count == 0 || app.phase() == Phase::Draining {
                        break;
                    }
                }
                if removed > 0 {
                    tracing::info!(%profile, removed, "removed logins beyond the cap of their profile");
                }
            }
            Ok(())
        })
    }
}

/// Removes the logins of profiles and tenants all of whose logins were ended.
pub(super) struct RemoveEnded;

impl Job for RemoveEnded {
    fn name(&self) -> &'static str {
        "removing ended logins"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let removed = remove_ended_together(app).await?;
            if removed > 0 {
                tracing::info!(removed, "removed logins that were ended together");
            }
            for profile in ended_profiles(app)? {
                let removed = remove_ended(app, profile).await?;
                tracing::info!(%profile, removed, "removed the ended logins of a profile");
            }
            Ok(())
        })
    }
}
