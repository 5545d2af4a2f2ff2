//! The background work of verification tokens.

use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::jobs::batches::remove_batches;
use crate::jobs::job::{Job, Run};
use crate::service::verification_token::expire::delete_expired;

/// Removes the verification tokens that nobody used in time.
pub(super) struct ExpireVerificationTokens;

impl Job for ExpireVerificationTokens {
    fn name(&self) -> &'static str {
        "removing expired verification tokens"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.jobs.cleaner_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let removed = remove_batches(app, || delete_expired(app)).await?;
            if removed > 0 {
                tracing::debug!(removed, "removed expired verification tokens");
            }
            Ok(())
        })
    }
}
