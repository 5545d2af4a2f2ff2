//! Compares the host's clock with the believed time, and saves where the clock is.

use std::time::Duration;

use crate::app::App;
use crate::clock::belief::BeliefRules;
use crate::clock::source::Correction;
use crate::config::Config;
use crate::error::Failure;
use crate::jobs::job::{Job, Run};
use crate::tables::clock;

/// How many save intervals a run may go on without saving the time, before the next run could be taken to begin in
/// it: the disk may be away for a moment.
const SAVES_RESERVED: u32 = 2;

/// From this difference on, a host's clock that is not followed is logged, in milliseconds.
const LOGGED_FROM_MILLIS: u64 = 60_000;

/// Corrects the believed time, if the host's clock is credible.
#[derive(Default)]
pub(super) struct CheckClock {
    /// Whether the host's clock differed at the last look, so that this is logged once.
    differs: bool,
}

impl Job for CheckClock {
    fn name(&self) -> &'static str {
        "checking the clock"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.clock.clock_check_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(async {
            check(app).await?;
            let status = app.clock.status();
            let differs = status.difference_millis.unsigned_abs() >= LOGGED_FROM_MILLIS;
            if differs && !self.differs {
                let difference_millis = status.difference_millis;
                tracing::warn!(
                    difference_millis,
                    "the host's clock is not believed: it is not synchronized, and differs from the time that has \
                     passed since the last start"
                );
            } else if self.differs && !differs {
                tracing::info!("the host's clock agrees with the time again");
            }
            self.differs = differs;
            Ok(())
        })
    }
}

/// Saves where the clock is.
pub(super) struct SaveClock;

impl Job for SaveClock {
    fn name(&self) -> &'static str {
        "saving the time"
    }

    fn interval(&self, config: &Config) -> Duration {
        config.clock.clock_save_interval
    }

    fn run<'j>(&'j mut self, app: &'j App) -> Run<'j> {
        Box::pin(save(app))
    }
}

/// Has the clock begin with what the database remembers of it, and saves where it is.
///
/// # Errors
///
/// Failures of the storage.
pub async fn start(app: &App) -> Result<(), Failure> {
    let (saved, timeline) = app
        .store
        .read(|txn| Ok((clock::saved(txn)?, clock::timeline(txn)?)))?;
    let rules = BeliefRules {
        hold: app.config.clock.clock_hold,
        accepts: app.config.data.accept_clock,
    };
    app.clock.start(saved, timeline.clone(), rules);
    let now = app.clock.now();
    let corrected = Some(now.timeline).filter(|begun| *begun != timeline);
    let saved = app.clock.save(reserve(app));
    app.store
        .write(move |txn| {
            if let Some(timeline) = &corrected {
                clock::put_timeline(txn, timeline)?;
            }
            clock::put_saved(txn, &saved)
        })
        .await?;
    let status = app.clock.status();
    if !status.is_synchronized {
        tracing::info!("the host's clock is not synchronized, as far as the kernel reports");
    }
    Ok(())
}

/// Corrects the time, if the host's clock calls for it.
///
/// # Errors
///
/// Failures of the storage: the time is not corrected.
pub async fn check(app: &App) -> Result<(), Failure> {
    match app.clock.observe() {
        Some(correction) => correct(app, correction).await,
        None => Ok(()),
    }
}

/// Believes the host's clock, whatever it shows.
///
/// # Errors
///
/// Failures of the storage: the time is not corrected.
pub async fn accept(app: &App) -> Result<(), Failure> {
    correct(app, app.clock.accept()).await
}

async fn correct(app: &App, correction: Correction) -> Result<(), Failure> {
    // On disk first: after a crash, the moments of this run must be what they are now.
    let timeline = correction.timeline().clone();
    app.store
        .write(move |txn| clock::put_timeline(txn, &timeline))
        .await?;
    let step_millis = correction.step_millis;
    app.clock.publish(correction);
    tracing::warn!(step_millis, "the time was corrected by the host's clock");
    save(app).await
}

/// Saves where the clock is at the end of a run.
///
/// # Errors
///
/// Failures of the storage.
pub async fn stop(app: &App) -> Result<(), Failure> {
    put(app, Duration::ZERO).await
}

async fn save(app: &App) -> Result<(), Failure> {
    put(app, reserve(app)).await
}

async fn put(app: &App, reserve: Duration) -> Result<(), Failure> {
    let saved = app.clock.save(reserve);
    app.store
        .write(move |txn| clock::put_saved(txn, &saved))
        .await
}

fn reserve(app: &App) -> Duration {
    app.config.clock.clock_save_interval * SAVES_RESERVED
}
