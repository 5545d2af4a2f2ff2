//! Repeated measurements and their statistics.

use std::time::Duration;

/// One point in one round.
#[derive(Clone, Copy)]
pub struct Round {
    pub per_second: f64,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub max_us: Option<f64>,
    /// The rate of the last third of the time by that of the first.
    pub late_by_early: Option<f64>,
    pub errors: u64,
}

#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Round {
    /// How much longer the slowest of a hundred takes than the one in the middle.
    pub fn p99_by_p50(&self) -> Option<f64> {
        Some(self.p99_us? / self.p50_us?)
    }

    /// From every single latency in microseconds, for sources that are slow enough to list them.
    pub fn from_latencies(mut latencies: Vec<f64>, time: Duration) -> Self {
        latencies.sort_by(f64::total_cmp);
        let quantile = |part: f64| {
            latencies
                .get((latencies.len() as f64 * part) as usize)
                .copied()
        };
        Self {
            per_second: latencies.len() as f64 / time.as_secs_f64(),
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            max_us: latencies.last().copied(),
            late_by_early: None,
            errors: 0,
        }
    }
}

impl Spread {
    /// Of no values there is no median.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min, max })
    }
}
