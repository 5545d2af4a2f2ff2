//! Where stored moments lie in time.
//!
//! What is stored is a [`Moment`]: milliseconds on a line of its own, which only ever advances, at the rate of the
//! host's boot-time clock. A [`Timeline`] says which time each moment is. On a host whose clock was never wrong both
//! are the same; a correction of the time is a change of the timeline, which moves every moment of a run at once.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Timestamp, millis};

/// A recorded point in time, in milliseconds: what a [`Timeline`] makes a [`Timestamp`] of. A moment that was
/// recorded later is never lower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment(i64);

impl Moment {
    /// The moment with this number.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Its number.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The moment `duration` earlier.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// The time that passed since `earlier`, if both are of one run; zero if it is later.
    pub fn since(self, earlier: Self) -> Duration {
        let difference = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(difference).unwrap_or(0))
    }
}

/// The most segments that a timeline has. With one more, the two oldest become one.
pub const SEGMENTS_MAX: usize = 256;

/// Moments of one run, or of several between which the time was not corrected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The first moment of it; that of the first segment is not used.
    pub start: Moment,
    /// The last moment that is known to be in it, of those that are not the newest.
    pub end: Moment,
    /// What is added to a moment for its time, in milliseconds.
    pub offset: i64,
}

/// Which time each moment is. It never decreases from one moment to a later one.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Timeline(Option<Arc<[Segment]>>);

impl Timeline {
    /// The timeline with these segments, in the order of their starts; without any, every moment is its time.
    pub fn new(segments: Vec<Segment>) -> Self {
        Self((!segments.is_empty()).then(|| segments.into()))
    }

    /// The segments, in the order of their starts.
    pub fn segments(&self) -> &[Segment] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// The time of `moment`.
    pub fn time(&self, moment: Moment) -> Timestamp {
        let Some(segments) = &self.0 else {
            return Timestamp::from_millis(moment.0);
        };
        let mut next = i64::MAX;
        for (index, segment) in segments.iter().enumerate().rev() {
            if index == 0 || moment >= segment.start {
                // A moment after the last that was saved may reach into the next segment.
                return Timestamp::from_millis(moment.0.saturating_add(segment.offset).min(next));
            }
            next = next.min(segment.start.0.saturating_add(segment.offset));
        }
        Timestamp::from_millis(moment.0)
    }

    /// The last moment whose time is not after `time`.
    pub fn moment(&self, time: Timestamp) -> Moment {
        let mut latest = i64::MAX;
        for (index, segment) in self.segments().iter().enumerate().rev() {
            let moment = time.as_millis().saturating_sub(segment.offset);
            if index == 0 || moment >= segment.start.0 {
                return Moment(moment.min(latest));
            }
            latest = segment.start.0.saturating_sub(1);
        }
        Moment(time.as_millis())
    }

    /// What is added to the newest moments for their time.
    pub fn newest_offset(&self) -> i64 {
        self.segments().last().map_or(0, |last| last.offset)
    }

    /// The timeline after the offset of all moments from `start` on was set to `offset`. `end` is the last moment
    /// that is known to be before `start`. Where times of earlier moments would be after that of `start`, they are
    /// moved back with it, and keep their distances: by as little as need be, since nothing says how wrong they were.
    #[must_use]
    pub fn with_offset(&self, start: Moment, end: Moment, offset: i64) -> Self {
        let mut segments = self.segments().to_vec();
        if segments.is_empty() {
            segments.push(Segment {
                start: Moment(i64::MIN),
                end,
                offset: 0,
            });
        }
        match segments.last_mut() {
            Some(last) if last.start == start => last.offset = offset,
            last => {
                if let Some(last) = last {
                    last.end = end;
                }
                segments.push(Segment { start, end, offset });
            }
        }
        if segments.len() > SEGMENTS_MAX {
            segments.remove(0);
        }
        let mut latest = start.0.saturating_add(offset);
        for earlier in segments.iter_mut().rev().skip(1) {
            let limit = latest.saturating_sub(earlier.end.0);
            earlier.offset = earlier.offset.min(limit);
            latest = latest.min(earlier.start.0.saturating_add(earlier.offset));
        }
        Self::new(segments)
    }
}

/// The present: the moment that is recorded for what happens now, and the timeline, by which the age of what was
/// recorded before is known.
#[derive(Clone, Debug)]
pub struct Now {
    /// What is recorded.
    pub moment: Moment,
    /// Which time each moment is.
    pub timeline: Timeline,
}

impl Now {
    /// The time.
    pub fn time(&self) -> Timestamp {
        self.timeline.time(self.moment)
    }

    /// How long ago `moment` was; zero if it is later.
    pub fn age(&self, moment: Moment) -> Duration {
        if self.timeline.0.is_none() {
            return self.moment.since(moment);
        }
        self.time().since(self.timeline.time(moment))
    }

    /// As it was `duration` ago.
    #[must_use]
    pub fn minus(&self, duration: Duration) -> Self {
        Self {
            moment: self.moment.minus(duration),
            timeline: self.timeline.clone(),
        }
    }
}

impl From<Timestamp> for Now {
    /// The present on a host whose clock was never wrong.
    fn from(time: Timestamp) -> Self {
        Self {
            moment: Moment(time.as_millis()),
            timeline: Timeline::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Moment {
        Moment(millis)
    }

    fn time(timeline: &Timeline, moment: i64) -> i64 {
        timeline.time(at(moment)).as_millis()
    }

    #[test]
    fn without_a_correction_every_moment_is_its_time() {
        let timeline = Timeline::default();
        for moment in [i64::MIN, -5, 0, 7, i64::MAX] {
            assert_eq!(time(&timeline, moment), moment);
            assert_eq!(timeline.moment(Timestamp::from_millis(moment)), at(moment));
        }
    }

    #[test]
    fn a_correction_moves_the_moments_of_its_run_and_no_others() {
        let timeline = Timeline::default().with_offset(at(100), at(99), 1_000);
        assert_eq!(time(&timeline, 99), 99);
        assert_eq!(time(&timeline, 100), 1_100);
        let timeline = timeline.with_offset(at(100), at(99), 500);
        assert_eq!(time(&timeline, 99), 99);
        assert_eq!(time(&timeline, 150), 650);
        let now = Now {
            moment: at(150),
            timeline,
        };
        assert_eq!(now.age(at(120)), Duration::from_millis(30));
        assert_eq!(now.age(at(90)), Duration::from_millis(560));
        assert_eq!(now.age(at(151)), Duration::ZERO);
    }

    #[test]
    fn a_correction_backward_takes_earlier_runs_that_were_ahead_with_it() {
        let wrong = Timeline::default().with_offset(at(100), at(99), 50_000_000);
        // The next run, from moment 200 on, is known to be at 1,000.
        let right = wrong.with_offset(at(200), at(190), 800);
        assert_eq!(
            [99, 150, 190, 195, 200].map(|moment| time(&right, moment)),
            [99, 960, 1_000, 1_000, 1_000]
        );
    }

    #[test]
    fn no_time_is_before_that_of_an_earlier_moment_and_every_time_is_found() {
        let mut timeline = Timeline::default();
        let mut number = 7_i64;
        for run in 1..600_i64 {
            // A simple generator of numbers that differ.
            number = (number * 1_103_515_245 + 12_345) % 2_147_483_648;
            let start = run * 1_000;
            timeline = timeline.with_offset(at(start), at(start - 90), number % 9_000 - 4_500);
            assert!(timeline.segments().len() <= SEGMENTS_MAX);
        }
        let first = timeline.segments()[1].start.0 - 5_000;
        let times: Vec<_> = (first..600_000).map(|at| time(&timeline, at)).collect();
        assert!(times.is_sorted());
        for (moment, time) in (first..600_000).zip(times) {
            let found = timeline.moment(Timestamp::from_millis(time));
            assert!(found >= at(moment), "{moment}");
            assert_eq!(timeline.time(found).as_millis(), time, "{moment}");
        }
    }
}
