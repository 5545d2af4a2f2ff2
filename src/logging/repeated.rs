//! Counts what happens again and again, so that the log has a line when it begins and one a minute, instead of one
//! for each time.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long occurrences are counted for one line.
pub const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

/// Occurrences of one kind, by their key. `V` is what the line with the count needs beside the key.
///
/// A limited number of keys is counted each by itself, and all others together. A key of which nothing happened for
/// a minute is forgotten.
#[derive(Debug)]
pub struct Repeated<K, V = ()> {
    logged_from: u64,
    keys_max: usize,
    entries: Mutex<Entries<K, V>>,
}

#[derive(Debug)]
struct Entries<K, V> {
    by_key: HashMap<K, Entry<V>>,
    others: Option<Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// When counting began.
    since: Instant,
    /// How often it happened since, and is in no line of the log.
    count: u64,
    /// Whether the first line was logged.
    is_logged: bool,
}

/// What happened again after the first line about it.
#[derive(PartialEq, Eq, Debug)]
pub struct Summary<K, V = ()> {
    /// What happened; `None` if these are several keys, for which there was no room.
    pub key: Option<(K, V)>,
    /// How often it happened since the last line.
    pub count: u64,
    /// In which time.
    pub within: Duration,
}

/// Which summaries are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Those whose minute is over.
    Due,
    /// All, since the process is about to end.
    All,
}

impl<K: Eq + Hash + Clone, V> Repeated<K, V> {
    /// None so far. The occurrence number `logged_from` within a minute is the first that is logged; `keys_max` keys
    /// are counted each by itself.
    pub fn new(logged_from: u64, keys_max: usize) -> Self {
        Self {
            logged_from,
            keys_max,
            entries: Mutex::new(Entries {
                by_key: HashMap::new(),
                others: None,
            }),
        }
    }

    /// Counts an occurrence at `now`. If it is to be logged at once, returns how often it has happened. `value` is
    /// called for the first occurrence of a key.
    pub fn count(&self, key: &K, now: Instant, value: impl FnOnce() -> V) -> Option<u64> {
        let mut entries = self.lock();
        let new = |value| Entry {
            value,
            since: now,
            count: 0,
            is_logged: false,
        };
        let has_room = entries.by_key.len() < self.keys_max;
        let Entries { by_key, others } = &mut *entries;
        let entry = match by_key.get_mut(key) {
            Some(entry) => entry,
            None if has_room => by_key.entry(key.clone()).or_insert_with(|| new(value())),
            None => others.get_or_insert_with(|| new(value())),
        };
        entry.count += 1;
        if entry.is_logged || entry.count < self.logged_from {
            return None;
        }
        entry.is_logged = true;
        entry.since = now;
        Some(mem::take(&mut entry.count))
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Repeated<K, V> {
    /// What has happened again, to be logged at `now`.
    pub fn take(&self, taken: Taken, now: Instant) -> Vec<Summary<K, V>> {
        let mut summaries = Vec::new();
        let mut entries = self.lock();
        entries.by_key.retain(|key, entry| {
            entry.take(
                taken,
                now,
                |value| Some((key.clone(), value)),
                &mut summaries,
            )
        });
        if let Some(entry) = &mut entries.others
            && !entry.take(taken, now, |_| None, &mut summaries)
        {
            entries.others = None;
        }
        summaries
    }
}

impl<V: Clone> Entry<V> {
    /// Appends its summary, if there is one to be taken. Returns whether counting goes on.
    fn take<K>(
        &mut self,
        taken: Taken,
        now: Instant,
        key: impl FnOnce(V) -> Option<(K, V)>,
        summaries: &mut Vec<Summary<K, V>>,
    ) -> bool {
        let within = now.saturating_duration_since(self.since);
        if taken == Taken::Due && within < SUMMARY_INTERVAL {
            return true;
        }
        if !self.is_logged || self.count == 0 {
            return false;
        }
        summaries.push(Summary {
            key: key(self.value.clone()),
            count: mem::take(&mut self.count),
            within,
        });
        self.since = now;
        true
    }
}

impl<K, V> Repeated<K, V> {
    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn count(repeated: &Repeated<&str>, key: &'static str, now: Instant) -> Option<u64> {
        repeated.count(&key, now, || ())
    }

    fn summary(key: &str, count: u64, within: Duration) -> Summary<&str> {
        Summary {
            key: Some((key, ())),
            count,
            within,
        }
    }

    #[test]
    fn the_first_is_logged_and_the_others_once_a_minute() {
        let repeated = Repeated::new(1, 8);
        let began = Instant::now();
        assert_eq!(count(&repeated, "a", began), Some(1));
        for second in 1..60 {
            assert_eq!(count(&repeated, "a", began + second * SECOND), None);
            assert_eq!(repeated.take(Taken::Due, began + second * SECOND), []);
        }
        let minute = began + SUMMARY_INTERVAL;
        let expected = [summary("a", 59, SUMMARY_INTERVAL)];
        assert_eq!(repeated.take(Taken::Due, minute), expected);
        assert_eq!(count(&repeated, "a", minute + SECOND), None);
        let expected = [summary("a", 1, SUMMARY_INTERVAL)];
        let second_minute = minute + SUMMARY_INTERVAL;
        assert_eq!(repeated.take(Taken::Due, second_minute), expected);
        let quiet = second_minute + SUMMARY_INTERVAL;
        assert_eq!(repeated.take(Taken::Due, quiet), []);
        assert_eq!(count(&repeated, "a", quiet + SECOND), Some(1));
    }

    #[test]
    fn the_last_ones_are_taken_at_the_end() {
        let repeated = Repeated::new(1, 8);
        let began = Instant::now();
        count(&repeated, "once", began);
        for _ in 0..3 {
            count(&repeated, "a", began);
        }
        let expected = [summary("a", 2, SECOND)];
        assert_eq!(repeated.take(Taken::All, began + SECOND), expected);
    }

    #[test]
    fn what_happens_seldom_is_not_logged_if_that_is_wanted() {
        let repeated = Repeated::new(3, 8);
        let began = Instant::now();
        assert_eq!(count(&repeated, "a", began), None);
        assert_eq!(count(&repeated, "a", began), None);
        assert_eq!(repeated.take(Taken::Due, began + SUMMARY_INTERVAL), []);
        let later = began + SUMMARY_INTERVAL;
        assert_eq!(count(&repeated, "a", later), None);
        assert_eq!(count(&repeated, "a", later), None);
        assert_eq!(count(&repeated, "a", later), Some(3));
        assert_eq!(count(&repeated, "a", later), None);
        let expected = [summary("a", 1, SECOND)];
        assert_eq!(repeated.take(Taken::All, later + SECOND), expected);
    }

    #[test]
    fn keys_beyond_the_limit_are_counted_together() {
        let repeated = Repeated::new(1, 2);
        let began = Instant::now();
        let logged: Vec<_> = ["a", "b", "c", "d", "e", "a"]
            .map(|key| count(&repeated, key, began))
            .into();
        assert_eq!(logged, [Some(1), Some(1), Some(1), None, None, None]);
        let mut summaries = repeated.take(Taken::All, began + SECOND);
        summaries.sort_by_key(|summary| summary.count);
        let others = Summary {
            key: None,
            count: 2,
            within: SECOND,
        };
        assert_eq!(summaries, [summary("a", 1, SECOND), others]);
    }
}
