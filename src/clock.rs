//! Time as values: [`Timestamp`] is what is stored, [`Clock`] is where it comes from.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the wall clock may step relative to the monotonic one before the step is logged.
const JUMP_LOGGED_FROM: Duration = Duration::from_secs(60);

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `millis` milliseconds after the epoch (before it, if negative).
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time `duration` later; the latest representable time if that does not fit.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The time `duration` earlier; the earliest representable time if that does not fit.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    fn of(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(millis(since)),
            Err(before) => Self(-millis(before.duration())),
        }
    }

    fn since(self, earlier: Self) -> Duration {
        let difference = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(difference).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ms since the epoch", self.0)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The source of the time.
#[derive(Debug)]
pub enum Clock {
    /// The host's clock, made monotonic.
    System(SystemClock),
    /// A clock that stands still until a test moves it.
    Manual(ManualClock),
}

impl Clock {
    /// The host's clock.
    pub fn system() -> Self {
        Self::System(SystemClock::new())
    }

    /// A clock that shows `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(ManualClock(Mutex::new(start)))
    }

    /// The time now: never earlier than any time returned before, nor than the floor of [`Clock::raise_to`].
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System(clock) => clock.now(),
            Self::Manual(clock) => *clock.0.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Makes every later reading at least `floor`, the newest time that a database has recorded.
    pub fn raise_to(&self, floor: Timestamp) {
        match self {
            Self::System(clock) => clock.raise_to(floor),
            Self::Manual(clock) => {
                let mut time = clock.0.lock().unwrap_or_else(PoisonError::into_inner);
                *time = floor.max(*time);
            }
        }
    }

    /// Moves a manual clock forward by `step`; the host's clock is not changed.
    pub fn advance(&self, step: Duration) {
        if let Self::Manual(clock) = self {
            let mut time = clock.0.lock().unwrap_or_else(PoisonError::into_inner);
            *time = time.plus(step);
        }
    }
}

/// See [`Clock::Manual`].
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

/// The host's clock, made monotonic.
///
/// A small host may boot with a wrong date. While its wall clock is behind a time that was already returned, or
/// behind the floor that the database has recorded, the time advances from there at the rate of the host's
/// monotonic clock. As soon as the wall clock is ahead, it is followed again.
#[derive(Debug)]
pub struct SystemClock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    /// What was returned when the monotonic clock showed `taken`.
    time: Timestamp,
    taken: Instant,
    /// Whether the wall clock was behind at the last reading, so that this is logged once.
    behind: bool,
}

impl SystemClock {
    fn new() -> Self {
        Self(Mutex::new(Reading {
            time: Timestamp::of(SystemTime::now()),
            taken: Instant::now(),
            behind: false,
        }))
    }

    fn now(&self) -> Timestamp {
        let wall = Timestamp::of(SystemTime::now());
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.follow(wall, Instant::now())
    }

    fn raise_to(&self, floor: Timestamp) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if floor > reading.at(now) {
            reading.time = floor;
            reading.taken = now;
        }
    }
}

impl Reading {
    /// The time by the last reading and the monotonic clock alone.
    fn at(&self, now: Instant) -> Timestamp {
        self.time.plus(now.duration_since(self.taken))
    }

    fn follow(&mut self, wall: Timestamp, now: Instant) -> Timestamp {
        let steady = self.at(now);
        if wall > steady {
            let step = wall.since(steady);
            if step >= JUMP_LOGGED_FROM {
                tracing::warn!(
                    step_secs = step.as_secs(),
                    "the host's clock jumped forward"
                );
            }
            self.time = wall;
            self.taken = now;
            self.behind = false;
            return wall;
        }
        let lag = steady.since(wall);
        if lag >= JUMP_LOGGED_FROM && !self.behind {
            self.behind = true;
            tracing::warn!(
                lag_secs = lag.as_secs(),
                "the host's clock is behind the newest recorded time; continuing from that time"
            );
        }
        steady
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(time: i64) -> (Reading, Instant) {
        let taken = Instant::now();
        let reading = Reading {
            time: Timestamp::from_millis(time),
            taken,
            behind: false,
        };
        (reading, taken)
    }

    #[test]
    fn follows_a_wall_clock_that_is_ahead() {
        let (mut reading, start) = reading(1_000);
        let now = reading.follow(Timestamp::from_millis(9_000), start);
        assert_eq!(now, Timestamp::from_millis(9_000));
    }

    #[test]
    fn advances_with_the_monotonic_clock_while_the_wall_clock_is_behind() {
        let (mut reading, start) = reading(5_000_000);
        let wall = Timestamp::from_millis(0);
        assert_eq!(
            reading.follow(wall, start),
            Timestamp::from_millis(5_000_000)
        );
        assert!(reading.behind);
        // Steps below a millisecond add up; none is rounded away.
        for step in 1..=1_000_u32 {
            reading.follow(wall, start + Duration::from_micros(10) * step);
        }
        let later = reading.follow(wall, start + Duration::from_millis(10));
        assert_eq!(later, Timestamp::from_millis(5_000_010));
    }

    #[test]
    fn no_reading_is_below_a_raised_floor() {
        let clock = Clock::system();
        let floor = clock.now().plus(Duration::from_secs(3_600));
        clock.raise_to(floor);
        assert!(clock.now() >= floor);
        clock.raise_to(Timestamp::from_millis(0));
        assert!(clock.now() >= floor);
    }

    #[test]
    fn arithmetic_saturates() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        let first = Timestamp::from_millis(i64::MIN);
        assert_eq!(first.minus(Duration::MAX), first);
    }
}
