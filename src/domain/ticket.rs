//! Tickets: that a profile is signed in for now, as long as it goes on sending requests.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::clock::timeline::{Moment, Now, Timeline};
use crate::domain::key_ring::{ID_DIGEST_BYTES, KeyRing, SecretKey};
use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::hyphenated_uuid;
use crate::domain::tenant::TenantName;

/// The id of a ticket. Who has it is signed in, so it is a secret: `Debug` shows nothing, and it is stored as a
/// [`TicketDigest`] alone.
#[derive(Clone, Copy)]
pub struct TicketId(Uuid);

impl TicketId {
    /// The id with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Parses 32 hexadecimal digits of either case in five groups; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated_uuid(text).map(Self)
    }

    /// The secret itself, to be digested or returned to its owner.
    pub const fn reveal(self) -> Uuid {
        self.0
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TicketId(..)")
    }
}

/// What a ticket is stored under: a keyed hash of its id, which nobody can use as a ticket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TicketDigest([u8; ID_DIGEST_BYTES]);

impl TicketDigest {
    /// The digest of a ticket that is created with this key.
    pub fn new(id: TicketId, key: &SecretKey) -> Self {
        Self(key.ticket_digest(id.0))
    }

    /// The digests that a ticket with this id can have, that by the newest key first.
    pub fn possible(id: TicketId, keys: &KeyRing) -> impl Iterator<Item = Self> {
        keys.newest_first().map(move |key| Self::new(id, key))
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; ID_DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_DIGEST_BYTES] {
        &self.0
    }
}

/// A ticket, as the wire contract has it ("JSON shapes").
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The id.
    pub id: TicketId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is signed in.
    pub profile_id: ObjectId,
    /// When the ticket was last requested, or created.
    pub last_request: Timestamp,
}

/// What is stored of a ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketState {
    /// What stands for its id.
    pub digest: TicketDigest,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is signed in.
    pub profile_id: ObjectId,
    /// The era that it was created in, as logins have one.
    pub era: Era,
    /// When it was last requested, or created.
    pub last_request: Moment,
}

impl TicketState {
    /// The ticket with this id.
    pub fn issue(&self, id: TicketId, timeline: &Timeline) -> Ticket {
        Ticket {
            id,
            tenant: self.tenant.clone(),
            profile_id: self.profile_id,
            last_request: timeline.time(self.last_request),
        }
    }
}

/// Whether a ticket has expired that was last requested at this moment.
pub fn is_expired(last_request: Moment, now: &Now, idle_max: Duration) -> bool {
    now.age(last_request) >= idle_max
}

/// When a request comes at `now` whose ticket was last requested at `last`: its time is later by a millisecond at
/// least.
pub fn next_request(last: Moment, now: &Now) -> Moment {
    const STEP: Duration = Duration::from_millis(1);
    let last_time = now.timeline.time(last);
    let mut next = now.moment.max(last.plus(STEP));
    // At the border of two runs, moments can have one time.
    while now.timeline.time(next) <= last_time && next < Moment::from_millis(i64::MAX) {
        next = next.plus(STEP);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Now {
        Timestamp::from_millis(millis).into()
    }

    #[test]
    fn a_ticket_expires_some_time_after_its_last_request() {
        let idle_max = Duration::from_millis(900);
        let last = at(1_000).moment;
        assert!(!is_expired(last, &at(1_899), idle_max));
        assert!(is_expired(last, &at(1_900), idle_max));
        assert!(!is_expired(last, &at(500), idle_max));
    }

    #[test]
    fn the_time_of_a_request_is_later_than_that_of_the_one_before() {
        let moment = |millis| at(millis).moment;
        assert_eq!(next_request(moment(5), &at(9)), moment(9));
        assert_eq!(next_request(moment(9), &at(9)), moment(10));
        assert_eq!(next_request(moment(12), &at(9)), moment(13));
        let last = moment(i64::MAX);
        assert_eq!(next_request(last, &at(9)), last);
        // A run that begins at moment 100 has the times from 50 on, and the one before ended at the same time.
        let timeline = Timeline::default().with_offset(moment(100), moment(60), -50);
        let now = Now {
            moment: moment(100),
            timeline,
        };
        for last in 0..120 {
            let next = next_request(moment(last), &now);
            let times = [moment(last), next].map(|moment| now.timeline.time(moment));
            assert!(times[0] < times[1], "{last}");
        }
    }

    #[test]
    fn debug_shows_no_id() {
        let id = TicketId::parse("B68c0013-d7b2-4004-8463-d7ba03e15d94").expect("a UUID");
        assert_eq!(format!("{id:?}"), "TicketId(..)");
        assert!(TicketId::parse("create").is_none());
    }
}
