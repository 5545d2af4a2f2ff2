//! Saves what tickets were requested, and removes the expired ones and those that were ended together.

use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::batches::remove_batches;
use crate::jobs::job::{Job, Run};
use crate::service::ticket::end::{ended_profiles, remove_ended};
use crate::service::ticket::expire::delete_expired;
use crate::service::ticket::save::save_requests;

/// So often requests are saved: a crash loses those of a second at most, also where a commit takes long.
const SAVE_INTERVAL: Duration = Duration::from_millis(250);

/// Brings the last requests of tickets into the database.
pub(super) struct SaveRequests;

impl Job for SaveRequests {
    fn name(&self) -> &'static str {
        "saving the last requests of tickets"
    }

    fn interval(&self, _config: &Config) -> Duration {
        SAVE_INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            match save_requests(app).await {
                // They are saved once the database is there again, or less busy.
                Err(Failure::Unavailable | Failure::Overloaded) => Ok(()),
                saved => saved,
            }
        })
    }
}

/// Removes the tickets that were not requested for too long.
pub(super) struct ExpireTickets;

impl Job for ExpireTickets {
    fn name(&self) -> &'static str {
        "removing expired tickets"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let looked_at = remove_batches(app, || delete_expired(app)).await?;
            if looked_at > 0 {
                tracing::debug!(looked_at, "removed expired tickets");
            }
            Ok(())
        })
    }
}

/// Removes the tickets of profiles all of whose tickets were ended.
pub(super) struct RemoveEndedTickets;

impl Job for RemoveEndedTickets {
    fn name(&self) -> &'static str {
        "removing ended tickets"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            for profile in ended_profiles(app)? {
                let removed = remove_ended(app, profile).await?;
                tracing::info!(%profile, removed, "removed the ended tickets of a profile");
            }
            Ok(())
        })
    }
}
