//! Has the profiles of tenants follow what was decided for all of them.

use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::job::{Job, Run};
use crate::service::tenant::follow::{carry_out_sweeps, remove_ended};

/// How long it pauses. It is short, since only so many changes of a tenant can be pending; to find that there is none
/// costs nothing.
const INTERVAL: Duration = Duration::from_secs(1);

/// Rewrites the profiles of tenants that were changed.
pub(super) struct CarryOutSweeps;

impl Job for CarryOutSweeps {
    fn name(&self) -> &'static str {
        "changing the profiles of tenants that were changed"
    }

    fn interval(&self, _: &Config) -> Duration {
        INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let rewritten = carry_out_sweeps(app).await?;
            if rewritten > 0 {
                tracing::info!(
                    rewritten,
                    "changed the profiles of tenants that were changed"
                );
            }
            Ok::<_, Failure>(())
        })
    }
}

/// Removes the profiles of tenants that were deleted.
pub(super) struct RemoveEndedTenants;

impl Job for RemoveEndedTenants {
    fn name(&self) -> &'static str {
        "removing the profiles of deleted tenants"
    }

    fn interval(&self, _: &Config) -> Duration {
        INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let removed = remove_ended(app).await?;
            if removed > 0 {
                tracing::info!(removed, "removed the profiles of deleted tenants");
            }
            Ok::<_, Failure>(())
        })
    }
}
