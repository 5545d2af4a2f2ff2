//! Tickets: a record under the key of its profile and the digest of its id, and what is needed to find it.
//!
//! A small table has the profile of each digest, and an index by the time of a request lets the expired ones be found.
//! A request of a ticket is in memory first ([`requests`]), and journaled with those of a quarter of a second:
//! [`TICKETS`] says how.
//! It does not move the entry in the index: the cleaner does, when it finds there a ticket that was requested since.

pub mod ended;
pub mod key;
pub mod record;
pub mod requests;

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::object_id::ObjectId;
use crate::domain::ticket::{TicketDigest, TicketState};
use crate::error::Failure;
use crate::storage::table::{Fixed, JournaledTable, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::expiry_index::ExpiryIndex;
use crate::tables::ticket::key::{PREFIX_BYTES, TicketKey};
use crate::tables::ticket::record::{
    Place, apply_request, decode, decode_place, delta_of, encode, encode_place, request_of,
};

/// The records. What a request changes is journaled. A ticket lives for minutes, so that fewer of them are in use than
/// logins.
pub static TICKETS: JournaledTable<28> = JournaledTable {
    table: Table::new("ticket"),
    tag: 2,
    identity: PREFIX_BYTES,
    apply: apply_request,
    delta: request_of,
    cache_divisor: 8,
};

/// Where each ticket is, by its digest.
pub const BY_DIGEST: Table<Fixed<16>> = Table::new("ticket_by_digest");

/// The tickets by a request of each, which may not be the last.
pub const BY_REQUEST: ExpiryIndex = ExpiryIndex::new("ticket_by_request");

/// The ticket with this digest, expired or not, without the requests that are in memory alone.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, digest: TicketDigest) -> Result<Option<TicketState>, Failure> {
    let cached = txn.cached_row(&TICKETS, digest.as_bytes(), |key, record| {
        decode(TicketKey::from_bytes(key), record)
    })?;
    if cached.is_some() {
        return Ok(cached);
    }
    let Some(Place { profile_id, .. }) = place_of(txn, digest)? else {
        return Ok(None);
    };
    // Both are put and removed together: a ticket whose record is not found is not gone, its page is damaged.
    let found = get_at(txn, TicketKey { profile_id, digest })?;
    let missing = || Failure::Corrupt("ticket: its record is missing".to_owned());
    found.map(Some).ok_or_else(missing)
}

/// The ticket with this key, as [`get`].
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get_at(txn: &impl Read, key: TicketKey) -> Result<Option<TicketState>, Failure> {
    txn.row(&TICKETS, &key.to_bytes(), |record| decode(key, record))
}

fn place_of(txn: &impl Read, digest: TicketDigest) -> Result<Option<Place>, Failure> {
    txn.get(&BY_DIGEST, digest.as_bytes(), decode_place)
}

/// Puts a new ticket.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, ticket: &TicketState) -> Result<(), Failure> {
    let key = TicketKey::of(ticket);
    txn.insert_row(&TICKETS, &key.to_bytes(), &encode(ticket))?;
    put_place(txn, key, ticket.last_request)
}

/// Puts the entries of the ticket with this key in both indexes.
fn put_place(txn: &WriteTxn, key: TicketKey, indexed: Moment) -> Result<(), Failure> {
    let TicketKey { profile_id, digest } = key;
    let place = Place {
        profile_id,
        indexed,
    };
    txn.put(&BY_DIGEST, digest.as_bytes(), &encode_place(&place))?;
    BY_REQUEST.put(txn, indexed, index_id(digest))
}

/// Puts the last request of the ticket with this key, if there is one and this is later.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn put_request(txn: &WriteTxn, key: TicketKey, last_request: Moment) -> Result<(), Failure> {
    let bytes = key.to_bytes();
    match get_at(txn, key)? {
        Some(ticket) if ticket.last_request < last_request => {
            txn.update_row(&TICKETS, &bytes, &delta_of(last_request))
        }
        Some(_) | None => Ok(()),
    }
}

/// Removes the ticket with this key.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, key: TicketKey) -> Result<(), Failure> {
    // Where it cannot be read, the entry in the index by request is removed once it is old.
    if let Some(Place { indexed, .. }) = Failure::unless_corrupt(place_of(txn, key.digest))? {
        BY_REQUEST.remove(txn, indexed, index_id(key.digest))?;
    }
    remove(txn, key)
}

/// Removes everything about the ticket with this key but its entry in the index by request.
fn remove(txn: &WriteTxn, key: TicketKey) -> Result<(), Failure> {
    txn.remove_row(&TICKETS, &key.to_bytes())?;
    txn.remove(&BY_DIGEST, key.digest.as_bytes()).map(drop)
}

/// Looks at no more than `count_max` tickets that the index has at `newest` or before: removes those that
/// `last_request` has none of, because they are over, and moves the others in the index to their last request. Returns
/// how many there were. One whose record cannot be read is removed too, since it can never be used again.
///
/// # Errors
///
/// Of the storage.
pub fn remove_until(
    txn: &WriteTxn,
    newest: Moment,
    count_max: usize,
    last_request: impl Fn(&TicketState) -> Option<Moment>,
) -> Result<usize, Failure> {
    let ids = BY_REQUEST.take_until(txn, newest, count_max)?;
    for id in &ids {
        let digest = TicketDigest::from_bytes(*id.as_bytes());
        let Some(Place { profile_id, .. }) = Failure::unless_corrupt(place_of(txn, digest))? else {
            txn.remove(&BY_DIGEST, digest.as_bytes())?;
            continue;
        };
        let key = TicketKey { profile_id, digest };
        let ticket = Failure::unless_corrupt(get_at(txn, key))?;
        match ticket.as_ref().and_then(&last_request) {
            Some(last_request) => put_place(txn, key, last_request)?,
            None => remove(txn, key)?,
        }
    }
    Ok(ids.len())
}

/// At most `count_max` tickets of the profile, in the order of their keys, from the first one after `after` on, expired
/// ones among them. One whose record cannot be read is left out. Also the last key, to go on after it; `None` at the
/// end.
///
/// # Errors
///
/// Of the storage.
pub fn of_profile(
    txn: &impl Read,
    profile_id: ObjectId,
    after: Option<TicketKey>,
    count_max: usize,
) -> Result<(Vec<TicketState>, Option<TicketKey>), Failure> {
    let first = after.unwrap_or(TicketKey::first_of(profile_id)).to_bytes();
    let first = match after {
        Some(_) => Bound::Excluded(&first),
        None => Bound::Included(&first),
    };
    let (mut found, mut count, mut last) = (Vec::new(), 0, None);
    txn.scan_rows(&TICKETS, first, |key, record| {
        let key = TicketKey::from_bytes(key);
        if key.profile_id != profile_id {
            last = None;
            return Ok(ControlFlow::Break(()));
        }
        if count == count_max {
            return Ok(ControlFlow::Break(()));
        }
        count += 1;
        last = Some(key);
        match record.and_then(|record| decode(key, record)) {
            Ok(ticket) => found.push(ticket),
            Err(Failure::Corrupt(cause)) => {
                tracing::warn!(cause, "a ticket of a profile is left out");
            }
            Err(failure) => return Err(failure),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((found, last.filter(|_| count == count_max)))
}

/// The number of tickets, expired ones among them.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&TICKETS.table)
}

/// What the index has a ticket under.
fn index_id(digest: TicketDigest) -> Uuid {
    Uuid::from_bytes(*digest.as_bytes())
}
