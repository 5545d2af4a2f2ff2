//! How fast background work writes: it leaves most of the writer's time to callers.
//!
//! A transaction of a cleaner is short, but a caller whose write comes during it waits for it. So there is a pause
//! after each, in proportion to how long it took: a slow disk makes background work slower, not callers. The pause is
//! longer while callers write, and short where none has written for a while.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pause after a transaction where nobody else has written for [`QUIET_FOR`]: the part of the time that it took. A
/// write that came during the transaction is committed in this pause, and so is noticed.
const QUIET_PART: u32 = 8;

/// After which time without writes of others nobody is expected to write.
const QUIET_FOR: Duration = Duration::from_secs(1);

/// The pause after a transaction, in times that it took, while nobody else writes.
const PAUSES_IDLE: u32 = 1;

/// The pause while others write: 19 of 20 of their writes do not meet a transaction of background work.
const PAUSES_BUSY: u32 = 19;

/// When background work wrote last.
#[derive(Debug)]
pub struct Pace {
    pause_max: Duration,
    last: Option<Written>,
    /// When somebody else was last seen to have written.
    others: Option<Instant>,
}

/// A transaction of background work.
#[derive(Debug)]
struct Written {
    ended: Instant,
    took: Duration,
    /// The number of commits when it ended.
    commits: u64,
}

impl Pace {
    /// With pauses of at most `pause_max`: a disk that stood still once does not stop background work.
    pub fn new(pause_max: Duration) -> Self {
        Self {
            pause_max,
            last: None,
            others: None,
        }
    }

    /// Waits until the next transaction is due. `commits` returns the number of commits so far.
    pub async fn wait(&mut self, commits: impl Fn() -> u64) {
        let Some(last) = &self.last else {
            return;
        };
        self.pause(last, self.idle_pause(last.took)).await;
        if commits() > last.commits {
            self.pause(last, last.took.saturating_mul(PAUSES_BUSY))
                .await;
            self.others = Some(Instant::now());
        }
    }

    /// The pause after a transaction that took so long, if nobody else writes in it.
    fn idle_pause(&self, took: Duration) -> Duration {
        match self.others {
            Some(seen) if seen.elapsed() < QUIET_FOR => took.saturating_mul(PAUSES_IDLE),
            Some(_) | None => took / QUIET_PART,
        }
    }

    async fn pause(&self, last: &Written, pause: Duration) {
        let end = last.ended + pause.min(self.pause_max);
        if Instant::now() < end {
            sleep_until(end).await;
        }
    }

    /// Records a transaction that took so long, after which there were so many commits.
    pub fn written(&mut self, took: Duration, commits: u64) {
        self.last = Some(Written {
            ended: Instant::now(),
            took,
            commits,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MILLISECOND: Duration = Duration::from_millis(1);

    /// How long a wait takes after a transaction of this time and so many commits of others.
    async fn waited(took: Duration, others: u64) -> Duration {
        let mut pace = Pace::new(100 * MILLISECOND);
        pace.written(took, 7);
        let began = Instant::now();
        pace.wait(|| 7 + others).await;
        began.elapsed()
    }

    #[tokio::test]
    async fn the_first_transaction_is_due_at_once() {
        Pace::new(SECOND).wait(|| panic!("nobody asks")).await;
    }

    #[tokio::test]
    async fn the_pause_is_longer_while_others_write() {
        assert!(waited(8 * MILLISECOND, 0).await >= MILLISECOND);
        assert!(waited(5 * MILLISECOND, 1).await >= 95 * MILLISECOND);
        let longest = waited(3_600 * SECOND, 1).await;
        assert!(longest >= 100 * MILLISECOND && longest < 60 * SECOND);
    }

    #[tokio::test]
    async fn the_pause_is_short_where_nobody_else_has_written_for_a_while() {
        let mut pace = Pace::new(SECOND);
        assert_eq!(pace.idle_pause(8 * SECOND), SECOND);
        pace.written(MILLISECOND, 7);
        pace.wait(|| 7).await;
        assert_eq!(pace.idle_pause(8 * SECOND), SECOND);
        pace.wait(|| 8).await;
        assert_eq!(pace.idle_pause(8 * SECOND), 8 * SECOND);
        pace.others = Instant::now().checked_sub(QUIET_FOR);
        assert_eq!(pace.idle_pause(8 * SECOND), SECOND);
    }
}
