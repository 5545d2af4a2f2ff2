//! What a job is.

use std::pin::Pin;
use std::time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::error::Failure;

/// What a run of a job comes to.
pub(super) type Run<'j> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'j>>;

/// A piece of work that is done again and again.
pub(super) trait Job: Send {
    /// What it does, for the log.
    fn name(&self) -> &'static str;

    /// How long it pauses after each run.
    fn interval(&self, config: &Config) -> Duration;

    /// Does the work once, in bounded transactions with room for others between them.
    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j>;
}
