//! Requests of tickets that are in memory, and not in the tickets' records yet.
//!
//! A ticket is requested with nearly every page, and what that changes, the time of its last request, need not survive
//! a crash of the same second: so it costs no commit of its own. It is kept here, and saved with all others of half a
//! second.
//!
//! What is here is ahead of the record, and goes only once the record has it. A reader whose snapshot is from before,
//! and who looks here afterwards, would find it in neither: [`TicketRequests::version`], taken before the snapshot,
//! shows that, and the reader looks again.

use std::array;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::hash_map::Entry;
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::clock::timeline::{Moment, Now};
use crate::domain::object_id::ObjectId;
use crate::domain::ticket::{TicketDigest, TicketState, is_expired, next_request};
use crate::error::Failure;
use crate::tables::ticket::key::TicketKey;

/// Into how many shards they are divided, so that a request hardly ever waits for another.
const SHARDS: usize = 64;

/// How many tickets of a shard can have been requested since the last were saved: far more than are in that time.
const TICKETS_PER_SHARD_MAX: usize = 4_096;

/// A shard without tickets gives back its memory, if it has room for more than so many.
const KEPT_CAPACITY: usize = 64;

/// The last requests of tickets, as far as they are not saved.
pub struct TicketRequests {
    shards: [Mutex<Shard>; SHARDS],
    hasher: DefaultHashBuilder,
    /// How often requests were taken out, because they were saved.
    version: AtomicU64,
}

type Shard = HashMap<TicketDigest, Request>;

#[derive(Clone, Copy, Debug)]
struct Request {
    profile_id: ObjectId,
    at: Moment,
}

impl Default for TicketRequests {
    fn default() -> Self {
        Self {
            shards: array::from_fn(|_| Mutex::default()),
            hasher: DefaultHashBuilder::default(),
            version: AtomicU64::new(0),
        }
    }
}

/// How far requests were saved when a snapshot was about to be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version(u64);

/// Why the last request of a ticket is not moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missed {
    /// The snapshot of its record may be older than what was saved since: look again.
    Outdated,
    /// The ticket has expired.
    Expired,
    /// Too many tickets were requested since the last were saved.
    Failed(Failure),
}

impl TicketRequests {
    /// To be taken before the snapshot whose records are given to the other methods.
    pub fn version(&self) -> Version {
        Version(self.version.load(Ordering::Acquire))
    }

    /// The last request of `ticket`; `None` if its record may be older than what was saved since.
    pub fn last(&self, ticket: &TicketState, version: Version) -> Option<Moment> {
        let shard = self.lock(ticket.digest);
        match shard.get(&ticket.digest) {
            Some(request) => Some(ticket.last_request.max(request.at)),
            None => (self.version() == version).then_some(ticket.last_request),
        }
    }

    /// The last request of `ticket`, whose record is that of the open write transaction.
    pub fn last_in_write(&self, ticket: &TicketState) -> Moment {
        let shard = self.lock(ticket.digest);
        let request = shard.get(&ticket.digest);
        request.map_or(ticket.last_request, |request| {
            ticket.last_request.max(request.at)
        })
    }

    /// Moves the last request of `ticket` to `now`, or behind the last one, and returns it.
    ///
    /// # Errors
    ///
    /// See [`Missed`].
    pub fn advance(
        &self,
        ticket: &TicketState,
        version: Version,
        now: &Now,
        idle_max: Duration,
    ) -> Result<Moment, Missed> {
        let mut shard = self.lock(ticket.digest);
        let is_full = shard.len() >= TICKETS_PER_SHARD_MAX;
        let next = |last| {
            if is_expired(last, now, idle_max) {
                return Err(Missed::Expired);
            }
            Ok(next_request(last, now))
        };
        match shard.entry(ticket.digest) {
            Entry::Occupied(mut found) => {
                let request = found.get_mut();
                request.at = next(ticket.last_request.max(request.at))?;
                Ok(request.at)
            }
            Entry::Vacant(_) if self.version() != version => Err(Missed::Outdated),
            Entry::Vacant(_) if is_full => Err(Missed::Failed(Failure::Overloaded)),
            Entry::Vacant(place) => {
                let at = next(ticket.last_request)?;
                let profile_id = ticket.profile_id;
                place.insert(Request { profile_id, at });
                Ok(at)
            }
        }
    }

    /// All that is here, to be saved.
    pub fn unsaved(&self) -> Vec<(TicketKey, Moment)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.iter().map(|(digest, request)| {
                let key = TicketKey {
                    profile_id: request.profile_id,
                    digest: *digest,
                };
                (key, request.at)
            }));
        }
        all
    }

    /// Takes out what was saved and is the last request still. To be called once snapshots have it.
    pub fn saved(&self, requests: &[(TicketKey, Moment)]) {
        // Before anything is taken out: who finds it gone sees the new version.
        self.version.fetch_add(1, Ordering::AcqRel);
        for (key, at) in requests {
            let mut shard = self.lock(key.digest);
            if let Entry::Occupied(found) = shard.entry(key.digest)
                && found.get().at == *at
            {
                found.remove();
            }
            if shard.is_empty() && shard.capacity() > KEPT_CAPACITY {
                *shard = HashMap::new();
            }
        }
    }

    fn lock(&self, digest: TicketDigest) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(digest);
        let shard = self.shards[(hash >> 32) as usize % SHARDS].lock();
        shard.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TicketRequests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TicketRequests(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::tenant::TenantName;

    const IDLE_MAX: Duration = Duration::from_secs(900);

    fn ticket(last_request: i64) -> TicketState {
        TicketState {
            digest: TicketDigest::from_bytes([7; 16]),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([9; 12]),
            era: 0,
            last_request: Moment::from_millis(last_request),
        }
    }

    fn at(millis: i64) -> Now {
        Timestamp::from_millis(millis).into()
    }

    fn advance(requests: &TicketRequests, stored: i64, now: i64) -> Result<i64, Missed> {
        let moved = requests.advance(&ticket(stored), requests.version(), &at(now), IDLE_MAX);
        moved.map(Moment::as_millis)
    }

    #[test]
    fn every_request_is_later_than_the_one_before_saved_or_not() {
        let requests = TicketRequests::default();
        assert_eq!(advance(&requests, 100, 105), Ok(105));
        assert_eq!(advance(&requests, 100, 103), Ok(106));
        let unsaved = requests.unsaved();
        assert_eq!(advance(&requests, 100, 103), Ok(107));
        requests.saved(&unsaved);
        // It was requested again while it was saved.
        assert_eq!(advance(&requests, 106, 103), Ok(108));
        requests.saved(&requests.unsaved());
        assert_eq!(requests.unsaved(), []);
        assert_eq!(advance(&requests, 108, 103), Ok(109));
    }

    #[test]
    fn what_was_saved_after_the_snapshot_is_looked_at_again() {
        let requests = TicketRequests::default();
        assert_eq!(advance(&requests, 100, 105), Ok(105));
        let version = requests.version();
        let last = |version| requests.last(&ticket(100), version);
        assert_eq!(last(version), Some(at(105).moment));
        requests.saved(&requests.unsaved());
        assert_eq!(last(version), None);
        let moved = requests.advance(&ticket(100), version, &at(106), IDLE_MAX);
        assert_eq!(moved, Err(Missed::Outdated));
        assert_eq!(requests.last_in_write(&ticket(105)), at(105).moment);
    }

    #[test]
    fn an_expired_ticket_is_not_moved() {
        let requests = TicketRequests::default();
        assert_eq!(advance(&requests, 0, 900_000), Err(Missed::Expired));
        assert_eq!(advance(&requests, 0, 899_999), Ok(899_999));
        assert_eq!(advance(&requests, 0, 1_799_998), Ok(1_799_998));
        assert_eq!(advance(&requests, 0, 2_699_998), Err(Missed::Expired));
    }

    #[test]
    fn they_are_bounded_and_their_memory_is_given_back() {
        let requests = TicketRequests::default();
        let mut full = false;
        for number in 0..2 * (SHARDS * TICKETS_PER_SHARD_MAX) as u128 {
            let ticket = TicketState {
                digest: TicketDigest::from_bytes(number.to_be_bytes()),
                ..ticket(0)
            };
            let moved = requests.advance(&ticket, requests.version(), &at(1), IDLE_MAX);
            full |= moved == Err(Missed::Failed(Failure::Overloaded));
        }
        assert!(full);
        let unsaved = requests.unsaved();
        assert_eq!(unsaved.len(), SHARDS * TICKETS_PER_SHARD_MAX);
        requests.saved(&unsaved);
        let mut shards = requests.shards.iter();
        let is_small = |shard: &Mutex<Shard>| shard.lock().is_ok_and(|shard| shard.capacity() == 0);
        assert!(shards.all(is_small));
    }
}
