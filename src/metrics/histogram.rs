//! How many values were how large: a few counters, one for each range.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The largest durations of the ranges, in microseconds. A rotation takes from a third of a millisecond on a fast disk
/// to some ten on a slow one; what takes longer than a second is near its timeout.
pub const DURATION_BOUNDS: [u64; 12] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// A histogram of durations.
pub type DurationHistogram = Histogram<12>;

/// See the module.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    counts: [AtomicU64; N],
    /// Of those beyond the last bound.
    beyond: AtomicU64,
    sum: AtomicU64,
}

/// What a histogram has counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counted {
    /// The largest value of each range but the last one, which has none.
    pub bounds: &'static [u64],
    /// How many values are in each range.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    /// One whose ranges have these largest values, in ascending order.
    pub fn new(bounds: &'static [u64; N]) -> Self {
        Self {
            bounds,
            counts: array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub fn record(&self, value: u64) {
        let range = self.bounds.iter().position(|bound| value <= *bound);
        let count = range.map_or(&self.beyond, |range| &self.counts[range]);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a duration in microseconds.
    pub fn record_duration(&self, duration: Duration) {
        self.record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was counted.
    pub fn counted(&self) -> Counted {
        let counts = self.counts.iter().chain([&self.beyond]);
        Counted {
            bounds: self.bounds,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Counted {
    /// Adds what another histogram with the same bounds has counted.
    pub fn add(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_range_that_it_fits_in() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000] {
            histogram.record(value);
        }
        let mut counted = histogram.counted();
        assert_eq!(counted.counts, [2, 2, 2]);
        assert_eq!((counted.sum, counted.total()), (1_062, 6));
        counted.add(&histogram.counted());
        assert_eq!(counted.counts, [4, 4, 4]);
        assert_eq!((counted.sum, counted.total()), (2_124, 12));
    }

    #[test]
    fn bounds_ascend() {
        assert!(DURATION_BOUNDS.is_sorted());
    }
}
