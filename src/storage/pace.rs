//! How fast background work writes: it leaves most of the writer's time to callers.
//!
//! A transaction of a cleaner is short, but a caller whose write comes during it waits for it. So there is a pause
//! after each, in proportion to how long it took: a slow disk makes background work slower, not callers. The pause is
//! longer while callers write.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pause after a transaction, in times that it took, while nobody else writes.
const PAUSES_IDLE: u32 = 1;

/// The pause while others write: nine of ten of their writes do not meet a transaction of background work.
const PAUSES_BUSY: u32 = 9;

/// The longest pause: a disk that stood still once does not stop background work.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// When background work wrote last.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<Written>,
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
    /// Waits until the next transaction is due. `commits` returns the number of commits so far.
    pub async fn wait(&self, commits: impl Fn() -> u64) {
        let Some(last) = &self.last else {
            return;
        };
        sleep_until(last.ended + pause(last.took, false)).await;
        if commits() > last.commits {
            sleep_until(last.ended + pause(last.took, true)).await;
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

/// The pause after a transaction that took so long.
fn pause(took: Duration, is_busy: bool) -> Duration {
    let pauses = if is_busy { PAUSES_BUSY } else { PAUSES_IDLE };
    took.saturating_mul(pauses).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MILLISECOND: Duration = Duration::from_millis(1);

    /// How long a wait takes after a transaction of this time and so many commits of others.
    async fn waited(took: Duration, others: u64) -> Duration {
        let mut pace = Pace::default();
        pace.written(took, 7);
        let began = Instant::now();
        pace.wait(|| 7 + others).await;
        began.elapsed()
    }

    #[tokio::test]
    async fn the_first_transaction_is_due_at_once() {
        Pace::default().wait(|| panic!("nobody asks")).await;
    }

    #[tokio::test]
    async fn the_pause_is_longer_while_others_write() {
        assert!(waited(5 * MILLISECOND, 0).await >= 5 * MILLISECOND);
        assert!(waited(5 * MILLISECOND, 1).await >= 45 * MILLISECOND);
        assert_eq!(pause(5 * MILLISECOND, false), 5 * MILLISECOND);
        assert_eq!(pause(5 * MILLISECOND, true), 45 * MILLISECOND);
        assert_eq!(pause(9 * SECOND, true), 5 * SECOND);
    }
}
