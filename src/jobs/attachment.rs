//! Removes what is left of attachments.

use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::job::{Job, Run};
use crate::service::attachment::clean_up::{remove_of_deleted, remove_orphans};

/// How long it pauses. To find that there is nothing to remove costs nothing.
const INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct RemoveAttachments;

impl Job for RemoveAttachments {
    fn name(&self) -> &'static str {
        "removing what is left of attachments"
    }

    fn interval(&self, _: &Config) -> Duration {
        INTERVAL
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            let attachments = remove_of_deleted(app).await?;
            if attachments > 0 {
                tracing::info!(attachments, "removed the attachments of deleted profiles");
            }
            let contents = remove_orphans(app).await?;
            if contents > 0 {
                tracing::debug!(contents, "removed contents that no attachment has");
            }
            Ok::<_, Failure>(())
        })
    }
}
