//! Requests: how many each route had, how they ended, and how long they took.

use std::array;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::metrics::histogram::{Counted, DURATION_BOUNDS, DurationHistogram};
use crate::metrics::routes::{self, ROUTES};

/// Into how many shards the counters are divided; each thread counts in one of them, by itself as long as there are no
/// more threads. A shard takes memory once a thread counts in it.
const SHARDS: usize = 64;

/// The statuses that responses have; others are counted together.
const STATUSES: [(u16, &str); 17] = [
    (200, "200"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (501, "501"),
    (503, "503"),
];

/// What the others are called.
const OTHER_STATUS: &str = "other";

/// See the module.
#[derive(Debug)]
pub struct RequestMetrics {
    shards: [OnceLock<Box<Shard>>; SHARDS],
}

/// The requests that some threads have served.
#[derive(Debug)]
struct Shard {
    routes: [RouteMetrics; ROUTES.len()],
}

/// The requests of one route.
#[derive(Debug)]
struct RouteMetrics {
    by_status: [AtomicU64; STATUSES.len() + 1],
    duration: DurationHistogram,
}

/// What was counted of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteCounts {
    /// Its name.
    pub route: &'static str,
    /// How many requests ended with each status.
    pub by_status: Vec<(&'static str, u64)>,
    /// How many microseconds they took.
    pub duration: Counted,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            shards: array::from_fn(|_| OnceLock::new()),
        }
    }
}

impl RequestMetrics {
    /// Counts a request.
    pub fn record(&self, route: &str, status: u16, duration: Duration) {
        let shard = self.shards[thread_number() % SHARDS].get_or_init(Box::default);
        shard.routes[routes::index(route)].record(status, duration);
    }

    /// What was counted of each route that had a request.
    pub fn counts(&self) -> impl Iterator<Item = RouteCounts> {
        let routes = ROUTES.iter().enumerate();
        routes.filter_map(|(index, route)| self.counts_of(index, route))
    }

    fn counts_of(&self, index: usize, route: &'static str) -> Option<RouteCounts> {
        let mut counts: Option<RouteCounts> = None;
        for shard in self.shards.iter().filter_map(OnceLock::get) {
            let counted = shard.routes[index].counts(route);
            match &mut counts {
                None => counts = Some(counted),
                Some(counts) => counts.add(&counted),
            }
        }
        counts.filter(|counts| counts.duration.total() > 0)
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            routes: array::from_fn(|_| RouteMetrics {
                by_status: [const { AtomicU64::new(0) }; STATUSES.len() + 1],
                duration: DurationHistogram::new(&DURATION_BOUNDS),
            }),
        }
    }
}

impl RouteMetrics {
    fn record(&self, status: u16, duration: Duration) {
        let place = STATUSES.iter().position(|(number, _)| *number == status);
        self.by_status[place.unwrap_or(STATUSES.len())].fetch_add(1, Ordering::Relaxed);
        self.duration.record_duration(duration);
    }

    fn counts(&self, route: &'static str) -> RouteCounts {
        let names = STATUSES.iter().map(|(_, name)| *name).chain([OTHER_STATUS]);
        let counts = self
            .by_status
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        RouteCounts {
            route,
            by_status: names.zip(counts).collect(),
            duration: self.duration.counted(),
        }
    }
}

impl RouteCounts {
    fn add(&mut self, other: &Self) {
        for ((_, count), (_, other)) in self.by_status.iter_mut().zip(&other.by_status) {
            *count += other;
        }
        self.duration.add(&other.duration);
    }
}

/// The number of this thread among those that count.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn requests_of_all_threads_are_counted_together() {
        let metrics = RequestMetrics::default();
        let request = |route, status| metrics.record(route, status, Duration::from_millis(2));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        request("profile/read", 200);
                    }
                    request("profile/read", 404);
                    request("profile/read", 418);
                    request("an unknown route", 404);
                });
            }
        });
        let counts: Vec<_> = metrics.counts().collect();
        let [profile, none] = &counts[..] else {
            panic!("two routes had requests: {counts:?}");
        };
        let statuses = |counts: &RouteCounts| -> Vec<_> {
            let counts = counts.by_status.iter().copied();
            counts.filter(|(_, count)| *count > 0).collect()
        };
        assert_eq!(profile.route, "profile/read");
        assert_eq!(
            statuses(profile),
            [("200", 400), ("404", 4), (OTHER_STATUS, 4)]
        );
        assert_eq!(profile.duration.total(), 408);
        assert_eq!(profile.duration.sum, 408 * 2_000);
        assert_eq!((none.route, statuses(none)), ("none", vec![("404", 4)]));
    }

    #[test]
    fn names_and_statuses_are_there_once() {
        let names: HashSet<_> = ROUTES.into_iter().collect();
        assert_eq!(names.len(), ROUTES.len());
        let mut statuses = STATUSES;
        statuses.sort_unstable();
        assert_eq!(statuses, STATUSES);
        assert!(
            STATUSES
                .iter()
                .all(|(status, name)| status.to_string() == *name)
        );
    }
}
