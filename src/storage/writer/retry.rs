//! When an attempt to open the database is made again, and which of its failures are logged.

use std::time::Duration;

use crate::error::Failure;

/// How long to wait before the second attempt to reopen a failed database; it doubles from there.
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest wait between attempts, unless they take longer: how long a disk that works again may go unnoticed.
const REOPEN_PAUSE_MAX: Duration = Duration::from_millis(250);

/// How many different failures of reopening are logged until it succeeds: a disk may be away for days.
const REOPEN_FAILURES_LOGGED_MAX: usize = 8;

/// Attempts to open the database until one succeeds.
#[derive(Default)]
pub(super) struct Retry {
    /// The pause after the last attempt.
    pause: Duration,
    logged: Vec<Failure>,
}

impl Retry {
    /// No attempt yet after `failure`, which is logged.
    pub(super) fn after(failure: &Failure) -> Self {
        Self {
            pause: Duration::ZERO,
            logged: vec![failure.clone()],
        }
    }

    /// How long to pause after an attempt that took so long: at least as long, so that a disk that is slow to fail
    /// is not kept busy by it.
    pub(super) fn pause_after(&mut self, took: Duration) -> Duration {
        self.pause = (2 * self.pause).clamp(REOPEN_PAUSE_MIN, REOPEN_PAUSE_MAX);
        self.pause.max(took)
    }

    /// Whether this failure is to be logged: each is once, as far as they are few.
    pub(super) fn is_news(&mut self, failure: &Failure) -> bool {
        let is_news =
            self.logged.len() < REOPEN_FAILURES_LOGGED_MAX && !self.logged.contains(failure);
        if is_news {
            self.logged.push(failure.clone());
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_after_an_attempt_is_at_least_as_long_as_it_took() {
        let mut retry = Retry::default();
        let millis = Duration::from_millis;
        let took = [0, 0, 0, 4_000, 0, 0, 0];
        let pauses = took.map(|took| retry.pause_after(millis(took)));
        assert_eq!(pauses, [10, 20, 40, 4_000, 160, 250, 250].map(millis));
    }

    #[test]
    fn what_stays_the_same_is_logged_once() {
        let mut retry = Retry::default();
        let failure = |number: usize| Failure::Storage(format!("failure {number}"));
        for _ in 0..3 {
            for number in 0..2 {
                retry.is_news(&failure(number));
            }
        }
        let news = (0..100).filter(|number| retry.is_news(&failure(*number)));
        assert_eq!(news.count(), 6, "two were logged already");
    }
}
