//! Limits how many requests of a client may fail because it guesses: access tokens, logins, passwords.
//!
//! A client may fail so often at once, and as often again over a given time, evenly. That is one moment for each
//! client: when all of its failures will be forgotten. Only failures are looked up and counted, so that what succeeds
//! costs nothing.

pub mod network;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::throttle::network::Network;

/// How many clients are remembered, in sets of so many. A client has its place in one set; where that is full, the one
/// whose failures are forgotten soonest gives its place away.
const SETS: usize = 512;
const CLIENTS_PER_SET: usize = 8;

/// How often a client may fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThrottleRules {
    /// So many times at once, at least once.
    pub failures_max: u32,
    /// And so many times again within this time; with none, any number of times.
    pub within: Duration,
}

/// The failures of one kind, by the client.
#[derive(Debug)]
pub struct Throttle {
    rules: ThrottleRules,
    began: Instant,
    hasher: RandomState,
    /// Takes memory from the first failure on.
    sets: OnceLock<Mutex<Vec<Set>>>,
}

/// Up to so many clients, in any order.
type Set = [Option<Client>; CLIENTS_PER_SET];

#[derive(Clone, Copy, Debug)]
struct Client {
    network: Network,
    /// When all of its failures will be forgotten, since the start.
    forgotten_at: Duration,
}

/// That a client has failed too often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany {
    /// After this time it may fail once more.
    pub retry_after: Duration,
}

impl Throttle {
    /// No failure so far.
    pub fn new(rules: ThrottleRules) -> Self {
        Self {
            rules,
            began: Instant::now(),
            hasher: RandomState::new(),
            sets: OnceLock::new(),
        }
    }

    /// Counts a failure of `network` at `now`, which may fail that often.
    ///
    /// # Errors
    ///
    /// [`TooMany`] if it may not; the failure does not count then.
    pub fn take(&self, network: Network, now: Instant) -> Result<(), TooMany> {
        let now = now.saturating_duration_since(self.began);
        let ThrottleRules {
            failures_max,
            within,
        } = self.rules;
        let step = within / failures_max.max(1);
        let mut sets = self.lock();
        let client = place(self.set(&mut sets, network), network);
        let forgotten_at = client.map_or(now, |client| client.forgotten_at.max(now)) + step;
        let ahead = forgotten_at - now;
        if ahead > within {
            return Err(TooMany {
                retry_after: ahead - within,
            });
        }
        *client = Some(Client {
            network,
            forgotten_at,
        });
        Ok(())
    }

    /// Takes a failure back that was counted in advance and did not happen.
    pub fn give_back(&self, network: Network) {
        let step = self.rules.within / self.rules.failures_max.max(1);
        let mut sets = self.lock();
        let found = self.set(&mut sets, network).iter_mut().flatten();
        for client in found.filter(|client| client.network == network) {
            client.forgotten_at = client.forgotten_at.saturating_sub(step);
        }
    }

    fn set<'s>(&self, sets: &'s mut [Set], network: Network) -> &'s mut Set {
        &mut sets[self.hasher.hash_one(network) as usize % SETS]
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Set>> {
        let sets = self
            .sets
            .get_or_init(|| Mutex::new(vec![[None; CLIENTS_PER_SET]; SETS]));
        sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a client, which is empty, its own, or else is emptied for it.
fn place(set: &mut Set, network: Network) -> &mut Option<Client> {
    let is_its_own = |place: &Option<Client>| place.is_some_and(|client| client.network == network);
    let found = set.iter().position(is_its_own);
    let index = found.unwrap_or_else(|| {
        let places = set.iter().enumerate();
        let soonest = places.min_by_key(|(_, place)| place.map(|client| client.forgotten_at));
        soonest.map_or(0, |(index, _)| index)
    });
    let place = &mut set[index];
    if found.is_none() {
        *place = None;
    }
    place
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn throttle(failures_max: u32, within: Duration) -> Throttle {
        Throttle::new(ThrottleRules {
            failures_max,
            within,
        })
    }

    fn client(number: u32) -> Network {
        Network::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn a_client_may_fail_a_few_times_at_once_and_as_often_again_over_time() {
        let throttle = throttle(3, 30 * SECOND);
        let now = throttle.began;
        for _ in 0..3 {
            assert_eq!(throttle.take(client(1), now), Ok(()));
        }
        let too_many = |seconds: u32| {
            Err(TooMany {
                retry_after: seconds * SECOND,
            })
        };
        assert_eq!(throttle.take(client(1), now), too_many(10));
        assert_eq!(throttle.take(client(1), now + 4 * SECOND), too_many(6));
        assert_eq!(throttle.take(client(2), now), Ok(()));
        assert_eq!(throttle.take(client(1), now + 10 * SECOND), Ok(()));
        assert_eq!(throttle.take(client(1), now + 10 * SECOND), too_many(10));
        let later = now + 100 * SECOND;
        for _ in 0..3 {
            assert_eq!(throttle.take(client(1), later), Ok(()));
        }
        assert_eq!(throttle.take(client(1), later), too_many(10));
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let throttle = throttle(2, 2 * SECOND);
        let now = throttle.began;
        for _ in 0..100 {
            assert_eq!(throttle.take(client(1), now), Ok(()));
            throttle.give_back(client(1));
        }
        throttle.give_back(client(2));
        assert_eq!(throttle.take(client(1), now), Ok(()));
        assert_eq!(throttle.take(client(1), now), Ok(()));
        assert!(throttle.take(client(1), now).is_err());
    }

    #[test]
    fn without_a_time_any_number_of_failures_is_allowed() {
        let throttle = throttle(1, Duration::ZERO);
        for _ in 0..1_000 {
            assert_eq!(throttle.take(client(1), throttle.began), Ok(()));
        }
    }

    #[test]
    fn clients_are_remembered_up_to_a_limit_and_those_that_fail_most_longest() {
        let throttle = throttle(4, 400 * SECOND);
        let now = throttle.began;
        for _ in 0..4 {
            assert_eq!(throttle.take(client(0), now), Ok(()));
        }
        for number in 1..10 * (SETS * CLIENTS_PER_SET) as u32 {
            assert_eq!(throttle.take(client(number), now), Ok(()));
        }
        let clients = throttle.lock().iter().flatten().flatten().count();
        assert_eq!(clients, SETS * CLIENTS_PER_SET);
        assert!(throttle.take(client(0), now).is_err(), "it is remembered");
    }
}
