//! Where the time comes from.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::clock::belief::{Belief, BeliefRules, ClockStatus, SavedClock};
use crate::clock::host::{HostClock, ManualClock};
use crate::clock::timeline::{Now, Timeline};

/// The source of the time: the host's clocks, and what is believed of them.
#[derive(Debug)]
pub struct Clock {
    host: HostClock,
    belief: Mutex<Belief>,
}

/// A correction of the believed time, which is in force once it is published.
#[derive(Debug)]
pub struct Correction {
    belief: Belief,
    /// The step of the believed time, in milliseconds.
    pub step_millis: i64,
}

impl Correction {
    /// Which time each moment is from now on.
    pub fn timeline(&self) -> &Timeline {
        self.belief.timeline()
    }
}

/// What is believed before a database was opened.
const UNSAVED: BeliefRules = BeliefRules {
    hold: Duration::ZERO,
    accepts: false,
};

impl Clock {
    /// The clock of this host.
    pub fn new(host: HostClock) -> Self {
        let belief = Belief::start(None, Timeline::default(), host.read(), UNSAVED);
        Self {
            host,
            belief: Mutex::new(belief),
        }
    }

    /// A clock that shows `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self::new(HostClock::Manual(ManualClock::new(start)))
    }

    /// The present.
    pub fn now(&self) -> Now {
        let uptime = self.host.uptime();
        self.belief().now(uptime)
    }

    /// Begins with what a database remembers of the time.
    pub fn start(&self, saved: Option<SavedClock>, timeline: Timeline, rules: BeliefRules) {
        *self.belief() = Belief::start(saved, timeline, self.host.read(), rules);
    }

    /// What the database is to remember, if the run may record moments for `reserve` more without saving again.
    pub fn save(&self, reserve: Duration) -> SavedClock {
        let uptime = self.host.uptime();
        self.belief().save(uptime, reserve)
    }

    /// Looks at the host's clock. A correction that it calls for is to be saved and then published.
    pub fn observe(&self) -> Option<Correction> {
        let reading = self.host.read();
        let mut belief = self.belief();
        let mut next = belief.clone();
        match next.observe(reading) {
            Some(step_millis) => Some(Correction {
                belief: next,
                step_millis,
            }),
            None => {
                *belief = next;
                None
            }
        }
    }

    /// The correction by which the host's clock is believed, whatever it shows; it is to be saved and then published.
    pub fn accept(&self) -> Correction {
        let reading = self.host.read();
        let mut belief = self.belief().clone();
        let step_millis = belief.accept(reading);
        Correction {
            belief,
            step_millis,
        }
    }

    /// Corrects the believed time.
    pub fn publish(&self, correction: Correction) {
        *self.belief() = correction.belief;
    }

    /// How the believed time and the host's clock compare.
    pub fn status(&self) -> ClockStatus {
        let reading = self.host.read();
        self.belief().status(reading)
    }

    /// For how long the time has advanced without a jump: since the host was booted, or the last correction
    /// forward.
    pub fn steady_for(&self) -> Duration {
        let uptime = self.host.uptime();
        self.belief().steady_for(uptime)
    }

    /// Moves a manual clock forward by `step`; the host's clock is not changed.
    pub fn advance(&self, step: Duration) {
        if let HostClock::Manual(clock) = &self.host {
            clock.advance(step);
        }
    }

    /// Sets the time that the host's clock shows in a test, and whether it is synchronized.
    pub fn set_host_clock(&self, wall: Timestamp, is_synchronized: bool) {
        if let HostClock::Manual(clock) = &self.host {
            clock.set(wall, is_synchronized);
        }
    }

    fn belief(&self) -> MutexGuard<'_, Belief> {
        self.belief.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
