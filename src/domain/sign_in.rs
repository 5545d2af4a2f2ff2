//! Failed sign-ins of a profile: when their responses are delayed, and when the profile is locked.
//!
//! From the wire contract ("Expiry, lock-out, passwords"). A lock concerns signing in with a password alone.

use std::time::Duration;

use crate::clock::timeline::{Moment, Now};

/// What failed sign-ins lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignInRules {
    /// The number of failures in a row whose responses are not delayed.
    pub failures_at_once: u32,
    /// The delay of the others.
    pub delay: Duration,
    /// The number of failures in a row that lock a profile.
    pub lock_after: u32,
    /// How long it is locked; zero disables locking.
    pub lock_time: Duration,
}

/// The failed sign-ins of a profile since the last one that succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FailedSignIns {
    /// How many there were.
    pub count: u32,
    /// When the last one locked the profile, if it did.
    pub locked: Option<Moment>,
}

impl FailedSignIns {
    /// After one more at `now`. The count is kept when a lock is over, so that the next failure locks again.
    #[must_use]
    pub fn and_one(self, now: &Now, rules: &SignInRules) -> Self {
        let count = self.count.saturating_add(1);
        let locks = count >= rules.lock_after && !rules.lock_time.is_zero();
        Self {
            count,
            locked: locks.then_some(now.moment),
        }
    }

    /// The delay of the response to the last one.
    pub fn delay(self, rules: &SignInRules) -> Duration {
        if self.count > rules.failures_at_once {
            rules.delay
        } else {
            Duration::ZERO
        }
    }

    /// For how long the profile is still locked at `now`; `None` if it is not.
    pub fn locked_for(self, now: &Now, rules: &SignInRules) -> Option<Duration> {
        let left = rules.lock_time.checked_sub(now.age(self.locked?))?;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const RULES: SignInRules = SignInRules {
        failures_at_once: 2,
        delay: Duration::from_secs(1),
        lock_after: 10,
        lock_time: Duration::from_secs(600),
    };

    fn at(secs: i64) -> Now {
        Timestamp::from_millis(secs * 1_000).into()
    }

    fn failed(count: usize) -> FailedSignIns {
        let now = at(0);
        (0..count).fold(FailedSignIns::default(), |failures, _| {
            failures.and_one(&now, &RULES)
        })
    }

    #[test]
    fn the_third_to_the_tenth_are_delayed_and_the_tenth_locks() {
        for count in 1..=10 {
            let failures = failed(count);
            let expected = if count <= 2 { 0 } else { 1 };
            assert_eq!(failures.delay(&RULES).as_secs(), expected, "{count}");
            let locked = failures.locked_for(&at(0), &RULES).is_some();
            assert_eq!(locked, count == 10, "{count}");
        }
    }

    #[test]
    fn after_the_lock_one_more_locks_again() {
        let failures = failed(10);
        let left = |failures: FailedSignIns, secs| {
            failures
                .locked_for(&at(secs), &RULES)
                .map(|left| left.as_secs())
        };
        assert_eq!(left(failures, 0), Some(600));
        assert_eq!(left(failures, 599), Some(1));
        assert_eq!(left(failures, 600), None);
        // A clock that was set back does not make it longer.
        assert_eq!(left(failures, -50), Some(600));
        let again = failures.and_one(&at(1_000), &RULES);
        assert_eq!((again.count, left(again, 1_001)), (11, Some(599)));
    }

    #[test]
    fn a_lock_can_be_disabled_and_counts_end_somewhere() {
        let rules = SignInRules {
            lock_time: Duration::ZERO,
            ..RULES
        };
        let failures = FailedSignIns {
            count: u32::MAX,
            locked: None,
        };
        let more = failures.and_one(&at(0), &rules);
        assert_eq!(more, failures);
        assert_eq!(more.locked_for(&at(0), &rules), None);
    }
}
