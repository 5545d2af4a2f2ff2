//! The table of what happens to clocks, row by row.

use std::mem;
use std::time::Duration;

use uuid::Uuid;

use super::{Belief, BeliefRules, Reading, SavedClock};
use crate::clock::timeline::{Moment, Now, Timeline};
use crate::clock::{Timestamp, millis};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
const YEAR: i64 = 365 * DAY;

/// 2026-01-01.
const START: i64 = 1_767_225_600_000;

const NO_STEPS: [i64; 0] = [];

const RULES: BeliefRules = BeliefRules {
    hold: Duration::from_secs(600),
    accepts: false,
};

/// A host whose process is restarted, and which is booted, with the database that survives both.
struct Host {
    boot: u128,
    /// The true time since the first boot, in milliseconds, and that of the last boot.
    true_time: i64,
    booted: i64,
    /// What the host's clock is ahead of the true time.
    ahead: i64,
    is_synchronized: bool,
    belief: Belief,
    saved: SavedClock,
}

impl Host {
    /// A host whose clock is ahead by this much, with a new database.
    fn new(ahead: i64) -> Self {
        let reading = Reading {
            boot: Some(Uuid::from_u128(1)),
            uptime: Duration::from_millis(5_000),
            wall: Timestamp::from_millis(START + ahead),
            is_synchronized: false,
        };
        let belief = Belief::start(None, Timeline::default(), reading, RULES);
        Self {
            boot: 1,
            true_time: 0,
            booted: -5_000,
            ahead,
            is_synchronized: false,
            saved: belief.save(reading.uptime, Duration::from_secs(120)),
            belief,
        }
    }

    fn reading(&self) -> Reading {
        let uptime = u64::try_from(self.true_time - self.booted).expect("after the boot");
        Reading {
            boot: Some(Uuid::from_u128(self.boot)),
            uptime: Duration::from_millis(uptime),
            wall: Timestamp::from_millis(START + self.true_time + self.ahead),
            is_synchronized: self.is_synchronized,
        }
    }

    /// Lets time pass, with a look at the clock every ten seconds and a save every minute. Returns the steps.
    fn pass(&mut self, millis: i64) -> Vec<i64> {
        let end = self.true_time + millis;
        let mut steps = Vec::new();
        while self.true_time < end {
            self.true_time = (self.true_time + 10_000).min(end);
            let reading = self.reading();
            let step = self.belief.observe(reading);
            if step.is_some() || self.true_time % MINUTE == 0 {
                self.saved = self
                    .belief
                    .save(reading.uptime, Duration::from_millis(120_000));
            }
            steps.extend(step);
        }
        steps
    }

    /// The process ends without saving, and another one starts.
    fn restart(&mut self, rules: BeliefRules) {
        let timeline = self.belief.timeline().clone();
        let reading = self.reading();
        self.belief = Belief::start(Some(self.saved), timeline, reading, rules);
        self.saved = self
            .belief
            .save(reading.uptime, Duration::from_millis(120_000));
    }

    /// The host is off for some time, and shows another clock when it is booted.
    fn boot(&mut self, off: i64, ahead: i64) {
        self.true_time += off;
        self.booted = self.true_time - 5_000;
        self.boot += 1;
        self.ahead = ahead;
        self.restart(RULES);
    }

    fn now(&self) -> Now {
        self.belief.now(self.reading().uptime)
    }

    fn moment(&self) -> Moment {
        self.now().moment
    }

    fn age(&self, moment: Moment) -> i64 {
        millis(self.now().age(moment))
    }

    /// What the believed time is ahead of the true time.
    fn error(&self) -> i64 {
        self.now().time().as_millis() - START - self.true_time
    }
}

#[test]
fn a_jump_of_less_than_ten_minutes_changes_nothing() {
    for jump in [2 * MINUTE, DAY, 10 * YEAR, -10 * MINUTE, -16 * DAY] {
        let mut host = Host::new(0);
        host.pass(DAY);
        let before = host.moment();
        host.ahead = jump;
        assert_eq!(host.pass(4 * MINUTE), NO_STEPS, "{jump}");
        // The process may end meanwhile.
        host.restart(RULES);
        assert_eq!(host.pass(4 * MINUTE), NO_STEPS, "{jump}");
        assert_eq!(host.age(before), 8 * MINUTE, "{jump}");
        host.ahead = 0;
        assert_eq!(host.pass(DAY), NO_STEPS);
        host.restart(RULES);
        assert_eq!((host.error(), host.age(before)), (0, DAY + 8 * MINUTE));
    }
}

#[test]
fn a_boot_with_a_clock_far_ahead_changes_nothing_for_ten_minutes() {
    let mut host = Host::new(0);
    host.pass(DAY);
    let before = host.moment();
    host.boot(MINUTE, 10 * YEAR);
    let after = host.moment();
    assert_eq!(host.pass(9 * MINUTE), NO_STEPS);
    assert!(host.age(before) <= 10 * MINUTE, "{}", host.age(before));
    assert_eq!(host.age(after), 9 * MINUTE);
    host.ahead = 0;
    host.is_synchronized = true;
    host.pass(MINUTE);
    assert_eq!((host.error(), host.age(before)), (0, 11 * MINUTE));
    assert_eq!(host.age(after), 10 * MINUTE);
}

#[test]
fn a_boot_with_a_clock_ahead_that_is_set_right_within_ten_minutes_leaves_no_trace() {
    let mut host = Host::new(0);
    host.pass(DAY);
    let before = host.moment();
    host.boot(MINUTE, 20 * DAY);
    assert_eq!(host.age(before), 20 * DAY + MINUTE, "it may have been off");
    let after = host.moment();
    host.pass(5 * MINUTE);
    host.ahead = 0;
    assert_eq!(host.pass(MINUTE), [-20 * DAY]);
    assert_eq!((host.error(), host.age(before)), (0, 7 * MINUTE));
    assert_eq!(host.age(after), 6 * MINUTE);
    host.ahead = -DAY;
    assert_eq!(
        host.pass(DAY),
        NO_STEPS,
        "it is behind what was known before"
    );
}

#[test]
fn a_clock_that_stays_ahead_is_believed_and_set_right_by_synchronization() {
    let mut host = Host::new(0);
    host.pass(DAY);
    let before = host.moment();
    host.ahead = YEAR;
    assert_eq!(host.pass(11 * MINUTE), [YEAR]);
    assert_eq!(
        host.belief.steady_since,
        host.moment().minus(Duration::from_secs(50))
    );
    host.pass(DAY);
    host.boot(MINUTE, YEAR);
    let after = host.moment();
    host.pass(DAY);
    host.ahead = 0;
    assert_eq!(
        host.pass(DAY),
        NO_STEPS,
        "nothing says which of the two is right"
    );
    host.is_synchronized = true;
    assert_eq!(host.pass(MINUTE), [-YEAR]);
    let total = 3 * DAY + 13 * MINUTE;
    // How long the host was off is not known any more.
    assert_eq!((host.error(), host.age(before)), (0, total - MINUTE));
    assert_eq!(host.age(after), 2 * DAY + MINUTE);
    host.boot(MINUTE, 0);
    assert_eq!((host.error(), host.age(before)), (0, total));
}

#[test]
fn a_clock_that_stayed_ahead_is_set_right_by_its_administrator() {
    let accepts = BeliefRules {
        accepts: true,
        ..RULES
    };
    let mut host = Host::new(0);
    host.pass(DAY);
    let before = host.moment();
    host.ahead = YEAR;
    host.pass(DAY);
    host.ahead = 0;
    host.restart(RULES);
    assert_eq!(host.error(), YEAR);
    host.restart(accepts);
    assert_eq!((host.error(), host.age(before)), (0, DAY));
    // The wrong time was that of an earlier run.
    host.ahead = YEAR;
    host.pass(DAY);
    let ahead = host.moment();
    host.boot(MINUTE, 0);
    host.pass(MINUTE);
    assert_eq!(host.error(), YEAR - MINUTE);
    host.restart(accepts);
    assert_eq!(host.error(), 0);
    assert!(
        (0..=2 * MINUTE).contains(&host.age(ahead)),
        "{}",
        host.age(ahead)
    );
}

#[test]
fn what_was_recorded_by_an_old_clock_keeps_its_age_when_the_clock_is_set_forward() {
    for (is_synchronized, patience) in [(true, MINUTE), (false, 11 * MINUTE)] {
        let mut host = Host::new(0);
        host.pass(DAY);
        let before = host.moment();
        // No battery: the clock begins years ago, and is set after some time.
        host.boot(21 * DAY, -20 * YEAR);
        let after = host.moment();
        host.pass(DAY);
        assert_eq!(host.age(after), DAY);
        assert!((DAY..=DAY + MINUTE).contains(&host.age(before)));
        host.ahead = 0;
        host.is_synchronized = is_synchronized;
        assert_eq!(host.pass(patience).len(), 1);
        assert_eq!(host.age(after), DAY + patience);
        assert_eq!((host.error(), host.age(before)), (0, 22 * DAY + patience));
        host.boot(MINUTE, 0);
        assert_eq!(host.age(after), DAY + patience + MINUTE);
    }
}

#[test]
fn a_host_that_stays_with_an_old_clock_goes_on_from_the_newest_known_time() {
    let mut host = Host::new(0);
    let first = host.moment();
    let mut moments = vec![first];
    for _ in 0..300 {
        host.boot(MINUTE, -20 * YEAR);
        host.pass(90_000);
        moments.push(host.moment());
    }
    assert!(moments.is_sorted());
    // Of each run, all but what came after the last save counts.
    assert!(host.age(first) >= 300 * MINUTE, "{}", host.age(first));
    let ages: Vec<_> = moments.iter().map(|moment| host.age(*moment)).collect();
    assert!(ages.iter().rev().is_sorted());
}

#[test]
fn a_moment_after_the_last_save_is_not_one_of_the_next_run() {
    let mut host = Host::new(0);
    host.pass(DAY);
    host.pass(59_000);
    let unsaved = host.moment();
    host.boot(10_000, 0);
    assert!(host.moment() > unsaved);
    assert_eq!((host.error(), host.age(unsaved)), (0, 10_000));
    host.pass(DAY);
    assert_eq!(host.age(unsaved), DAY + 10_000);
}

#[test]
fn a_synchronized_clock_is_followed_both_ways_but_not_within_a_second() {
    let mut host = Host::new(0);
    host.is_synchronized = true;
    host.pass(MINUTE);
    host.ahead = 1_000;
    assert_eq!(host.pass(MINUTE), NO_STEPS);
    for ahead in [1_001, -DAY, 20 * YEAR, 0] {
        host.ahead = ahead;
        assert_eq!(host.pass(MINUTE).len(), 1);
        assert_eq!(host.error(), ahead);
    }
}

#[test]
fn a_new_database_begins_with_the_host_s_clock_and_follows_it_back_at_first() {
    let mut host = Host::new(5 * YEAR);
    let first = host.moment();
    host.pass(MINUTE);
    host.ahead = 0;
    assert_eq!(host.pass(MINUTE), [-5 * YEAR]);
    assert_eq!((host.error(), host.age(first)), (0, 2 * MINUTE));
}

#[test]
fn a_clock_that_does_not_hold_its_time_is_never_believed() {
    let mut host = Host::new(0);
    host.pass(DAY);
    for step in 1..100 {
        host.ahead = step * DAY;
        assert_eq!(host.pass(9 * MINUTE), NO_STEPS);
    }
    assert_eq!(host.error(), 0);
}

#[test]
fn boots_with_a_clock_ahead_leave_no_trace_once_a_later_boot_is_right() {
    let steps: [&[i64]; 3] = [
        &[16 * DAY],
        &[29 * DAY],
        &[5 * DAY, 10 * DAY, 15 * DAY, 20 * DAY],
    ];
    for aheads in steps {
        for synchronized_while_ahead in [false, true] {
            let mut host = Host::new(0);
            host.pass(DAY);
            let before = host.moment();
            let mut then = host.true_time;
            host.is_synchronized = synchronized_while_ahead;
            let mut moments = Vec::new();
            for ahead in aheads {
                host.boot(MINUTE, *ahead);
                host.pass(20 * MINUTE);
                moments.push((host.moment(), host.true_time));
            }
            host.is_synchronized = true;
            host.boot(MINUTE, 0);
            host.pass(MINUTE);
            assert_eq!(host.error(), 0, "{aheads:?}");
            moments.insert(0, (before, mem::replace(&mut then, 0)));
            for (moment, time) in moments {
                // At most what the host was off for is missing.
                let missing = host.true_time - time - host.age(moment);
                assert!((0..=6 * MINUTE).contains(&missing), "{aheads:?} {missing}");
            }
        }
    }
}

#[test]
fn a_belief_that_has_not_held_is_given_up_after_a_restart_too() {
    let mut host = Host::new(0);
    host.pass(DAY);
    let before = host.moment();
    host.boot(MINUTE, 20 * DAY);
    host.restart(RULES);
    host.ahead = 0;
    assert_eq!(host.pass(MINUTE), [-20 * DAY]);
    assert_eq!((host.error(), host.age(before)), (0, 2 * MINUTE));
}
