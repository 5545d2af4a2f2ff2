//! The steps of a long read, between which the thread serves others.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How many elements a step reads at least, if there are so many: most reads are of one moment.
pub(super) const STEP_MIN: usize = 64;

/// After which time a step ends, once it has read the least.
const STEP_TIME_MAX: Duration = Duration::from_micros(400);

/// How long all long reads of a kind pause after a step of one of them. With a shorter pause, a thread would be busy
/// with them all the time, and on a host whose processors are all busy other requests would have to wait until it is
/// scheduled again.
const PAUSE: Duration = Duration::from_millis(1);

/// When a step that is under way ends.
pub(super) struct StepLimit {
    began: Instant,
    count: usize,
    /// After how many elements the time is looked at.
    count_min: usize,
}

impl StepLimit {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            count: 0,
            count_min: STEP_MIN,
        }
    }

    /// The same, but that a step may end with each element, because one alone may take long.
    pub(super) fn begin_slow() -> Self {
        Self {
            count_min: 1,
            ..Self::begin()
        }
    }

    /// Counts an element that was read. Returns whether it is time for others.
    pub(super) fn is_over_with_next(&mut self) -> bool {
        self.count += 1;
        self.count.is_multiple_of(self.count_min) && self.began.elapsed() >= STEP_TIME_MAX
    }
}

/// Lets the thread serve others before the next step.
pub(super) async fn pause() {
    sleep(PAUSE).await;
}
