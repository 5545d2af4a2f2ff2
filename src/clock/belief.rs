//! When the host's clock is believed, as rules without a clock.
//!
//! Inside a run, which lasts from one boot of the host to the next, the time advances at the rate of the boot-time
//! clock. The host's clock (*wall* below) sets it at the first start of a run, and corrects it later if it is
//! credible: the kernel reports that it is synchronized, or it went forward and has held that for a while.

use std::time::Duration;

use uuid::Uuid;

use crate::clock::timeline::{Moment, Now, Timeline};
use crate::clock::{Timestamp, millis};

/// How far the host's clock may be from the believed time before that is looked at: what a daemon that adjusts the
/// clock slowly may leave, and the time between two readings.
pub const TOLERANCE: Duration = Duration::from_secs(1);

/// How far beyond the newest known time the clock of a host that was off is believed at once.
pub const OFF_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How long a host may have been off for its next run to share an offset with the one before.
const GAP_MAX: Duration = Duration::from_secs(600);

/// What a host's clocks show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The boot of the host, if it is known.
    pub boot: Option<Uuid>,
    /// The time since that boot, with sleep.
    pub uptime: Duration,
    /// The time that the host's clock shows.
    pub wall: Timestamp,
    /// Whether the kernel reports that this clock is synchronized.
    pub is_synchronized: bool,
}

/// What a database remembers of the time, saved every minute and at a clean stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SavedClock {
    /// The moment at which it was saved.
    pub moment: Moment,
    /// A moment before which the run recorded everything, also what came after it was saved.
    pub end: Moment,
    /// The first moment of the run.
    pub run: Moment,
    /// The last moment that is known to be before the run.
    pub before_run: Moment,
    /// Since when the time has advanced without a jump: the start of the run, or the last correction forward.
    pub steady_since: Moment,
    /// The boot of the host, if it is known, and the time since.
    pub boot: Option<(Uuid, Duration)>,
    /// The offset before the last belief in a clock that was not synchronized, if it has not held yet.
    pub provisional: Option<i64>,
}

/// What rules over corrections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BeliefRules {
    /// For how long a clock that is not synchronized must have held a later time.
    pub hold: Duration,
    /// Whether the host's clock is believed at the start, whatever it shows.
    pub accepts: bool,
}

/// The believed time of a run.
#[derive(Clone, Debug)]
pub struct Belief {
    hold: Duration,
    /// The moment at an uptime of zero.
    boot_moment: i64,
    boot: Option<Uuid>,
    run: Moment,
    before_run: Moment,
    steady_since: Moment,
    timeline: Timeline,
    /// A later time that the host's clock shows, as an offset, and since when.
    candidate: Option<(i64, Moment)>,
    /// The offset before the last belief in a clock that was not synchronized. Down to it, the host's clock is
    /// followed back, until the belief has held.
    provisional: Option<i64>,
}

/// How the believed time and the host's clock compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockStatus {
    /// Whether the kernel reports that the host's clock is synchronized.
    pub is_synchronized: bool,
    /// What the host's clock shows beyond the believed time, in milliseconds.
    pub difference_millis: i64,
}

impl ClockStatus {
    /// Whether the host's clock is as good as the believed time.
    pub fn agrees(&self) -> bool {
        self.difference_millis.unsigned_abs() <= TOLERANCE.as_millis() as u64
    }
}

impl Belief {
    /// The belief at a start, from what the database remembers, which is nothing for a new one.
    pub fn start(
        saved: Option<SavedClock>,
        timeline: Timeline,
        reading: Reading,
        rules: BeliefRules,
    ) -> Self {
        let mut belief = match saved {
            Some(saved) if saved.is_of(reading) => Self::go_on(saved, timeline, reading, rules),
            Some(saved) => Self::next_run(saved, timeline, reading, rules),
            None => Self::first_run(timeline, reading, rules),
        };
        if rules.accepts {
            belief.accept(reading);
        }
        belief
    }

    /// Nothing is known: the host's clock is believed.
    fn first_run(timeline: Timeline, reading: Reading, rules: BeliefRules) -> Self {
        let moment = timeline.moment(reading.wall);
        Self {
            provisional: Some(i64::MIN).filter(|_| !reading.is_synchronized),
            ..Self::at(
                moment,
                moment.minus(Duration::from_millis(1)),
                timeline,
                reading,
                rules,
            )
        }
    }

    /// The host was not booted since: only the process is new.
    fn go_on(saved: SavedClock, timeline: Timeline, reading: Reading, rules: BeliefRules) -> Self {
        let (_, uptime) = saved.boot.expect("the boot is the same");
        let moment = saved.moment.plus(reading.uptime.saturating_sub(uptime));
        Self {
            run: saved.run,
            steady_since: saved.steady_since,
            provisional: saved.provisional,
            ..Self::at(moment, saved.before_run, timeline, reading, rules)
        }
    }

    /// The host was off for an unknown time.
    fn next_run(
        saved: SavedClock,
        timeline: Timeline,
        reading: Reading,
        rules: BeliefRules,
    ) -> Self {
        let newest = timeline.time(saved.moment);
        let is_credible =
            reading.is_synchronized || (newest..=newest.plus(OFF_MAX)).contains(&reading.wall);
        let time = if is_credible { reading.wall } else { newest };
        let offset = timeline.newest_offset();
        let next = saved.end.plus(Duration::from_millis(1));
        let moment = Moment::from_millis(time.as_millis().saturating_sub(offset)).max(next);
        let mut belief = Self::at(moment, saved.moment, timeline, reading, rules);
        let offset = time.as_millis().saturating_sub(moment.as_millis());
        // After a gap the run has an offset of its own, also if it is the same: should the clock have been wrong, a
        // later correction moves this run back, and not those before.
        let has_gap = moment.since(saved.moment) > GAP_MAX;
        if has_gap || offset != belief.timeline.newest_offset() {
            belief.timeline = belief.timeline.with_offset(moment, saved.moment, offset);
        }
        if is_credible && !reading.is_synchronized {
            belief.provisional = Some(newest.as_millis().saturating_sub(moment.as_millis()));
        }
        belief
    }

    fn at(
        moment: Moment,
        before_run: Moment,
        timeline: Timeline,
        reading: Reading,
        rules: BeliefRules,
    ) -> Self {
        Self {
            hold: rules.hold,
            boot_moment: moment.as_millis().saturating_sub(millis(reading.uptime)),
            boot: reading.boot,
            run: moment,
            before_run,
            steady_since: moment,
            timeline,
            candidate: None,
            provisional: None,
        }
    }

    /// The present at this time since the boot.
    pub fn now(&self, uptime: Duration) -> Now {
        Now {
            moment: self.moment(uptime),
            timeline: self.timeline.clone(),
        }
    }

    /// Which time each moment is.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What the database is to remember. The run may record moments for `reserve` more, unless it ends here.
    pub fn save(&self, uptime: Duration, reserve: Duration) -> SavedClock {
        let moment = self.moment(uptime);
        SavedClock {
            moment,
            end: moment.plus(reserve),
            run: self.run,
            before_run: self.before_run,
            steady_since: self.steady_since,
            boot: self.boot.map(|boot| (boot, uptime)),
            provisional: self.provisional,
        }
    }

    /// For how long the time has advanced without a jump.
    pub fn steady_for(&self, uptime: Duration) -> Duration {
        self.moment(uptime).since(self.steady_since)
    }

    /// Compares the host's clock with the believed time.
    pub fn status(&self, reading: Reading) -> ClockStatus {
        let offset = self.timeline.newest_offset();
        ClockStatus {
            is_synchronized: reading.is_synchronized,
            difference_millis: self.wall_offset(reading).saturating_sub(offset),
        }
    }

    /// Looks at the host's clock. Returns the step of the believed time in milliseconds, if it is corrected.
    pub fn observe(&mut self, reading: Reading) -> Option<i64> {
        let moment = self.moment(reading.uptime);
        if self.steady_for(reading.uptime) >= self.hold || reading.is_synchronized {
            self.provisional = None;
        }
        let status = self.status(reading);
        if status.agrees() {
            self.candidate = None;
            return None;
        }
        let offset = self.wall_offset(reading);
        let before = self.timeline.newest_offset();
        if reading.is_synchronized {
            self.correct(offset, moment);
        } else if offset > before {
            if !self.has_held(offset, moment) {
                return None;
            }
            self.correct(offset, moment);
            self.provisional = Some(before);
        } else {
            self.candidate = None;
            let earliest = self.provisional?.saturating_sub(millis(TOLERANCE));
            if offset < earliest {
                return None;
            }
            self.correct(offset, moment);
        }
        Some(status.difference_millis)
    }

    /// Believes the host's clock, whatever it shows. Returns the step of the believed time, in milliseconds.
    pub fn accept(&mut self, reading: Reading) -> i64 {
        let status = self.status(reading);
        self.correct(self.wall_offset(reading), self.moment(reading.uptime));
        status.difference_millis
    }

    /// Whether the host's clock has held a later time for long enough.
    fn has_held(&mut self, offset: i64, moment: Moment) -> bool {
        let held = self
            .candidate
            .filter(|(held, _)| held.abs_diff(offset) <= TOLERANCE.as_millis() as u64);
        let (_, since) = *self.candidate.insert(held.unwrap_or((offset, moment)));
        moment.since(since) >= self.hold
    }

    fn correct(&mut self, offset: i64, moment: Moment) {
        let before = self.timeline.newest_offset();
        if offset > before {
            self.steady_since = moment;
        }
        if offset != before {
            self.timeline = self.timeline.with_offset(self.run, self.before_run, offset);
        }
        self.candidate = None;
        self.provisional = None;
    }

    fn moment(&self, uptime: Duration) -> Moment {
        Moment::from_millis(self.boot_moment).plus(uptime)
    }

    /// What would have to be added to moments for the time that the host's clock shows.
    fn wall_offset(&self, reading: Reading) -> i64 {
        let moment = self.moment(reading.uptime);
        reading.wall.as_millis().saturating_sub(moment.as_millis())
    }
}

impl SavedClock {
    /// What a database remembers that saved the newest time alone: when every moment was its time.
    pub fn of_time(time: Timestamp) -> Self {
        let moment = Moment::from_millis(time.as_millis());
        Self {
            moment,
            end: moment,
            run: moment,
            before_run: moment,
            steady_since: moment,
            boot: None,
            provisional: None,
        }
    }

    /// Whether the host was not booted since this was saved.
    fn is_of(&self, reading: Reading) -> bool {
        self.boot
            .is_some_and(|(boot, uptime)| Some(boot) == reading.boot && uptime <= reading.uptime)
    }
}

#[cfg(test)]
mod tests;
