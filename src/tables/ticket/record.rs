//! The bytes of a ticket's records.
//!
//! ```text
//! record    version 1 | tenant text | era | last request
//! by digest version 1 | profile 12 bytes | moment under which the index by request has it
//! ```
//!
//! Numbers, moments, and the lengths of texts have as few bytes as they take. The last request is what changes, and so
//! the delta.

use crate::clock::timeline::Moment;
use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::ticket::TicketState;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::tables::persistent_login::record::tenant_name;
use crate::tables::ticket::key::TicketKey;

const VERSION: u8 = 1;
const PLACE_VERSION: u8 = 1;

/// The record of a ticket.
pub fn encode(ticket: &TicketState) -> Vec<u8> {
    Encoder::new(VERSION)
        .varint_bytes(ticket.tenant.as_str().as_bytes())
        .varint(ticket.era)
        .moment(ticket.last_request)
        .finish()
}

/// The ticket with this key and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(key: TicketKey, record: &[u8]) -> Result<TicketState, Failure> {
    let mut decoder = Decoder::new("ticket", VERSION, record)?;
    let (tenant, era) = decode_head(&mut decoder)?;
    let last_request = decoder.moment()?;
    decoder.finish()?;
    Ok(TicketState {
        digest: key.digest,
        tenant: tenant_name(tenant)?,
        profile_id: key.profile_id,
        era,
        last_request,
    })
}

/// What a request at this moment changes.
pub(super) fn delta_of(last_request: Moment) -> Vec<u8> {
    Encoder::behind(Vec::new()).moment(last_request).finish()
}

/// Appends to `changed` the record after the request with this delta.
pub(super) fn apply_request(
    record: &[u8],
    delta: &[u8],
    changed: &mut Vec<u8>,
) -> Result<(), Failure> {
    let rest = request_of(record)?;
    let mut decoder = Decoder::unversioned("request of a ticket", delta);
    decoder.moment()?;
    decoder.finish()?;
    changed.extend_from_slice(&record[..record.len() - rest.len()]);
    changed.extend_from_slice(delta);
    Ok(())
}

/// What the last request of the ticket with this record changed.
pub(super) fn request_of(record: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new("ticket", VERSION, record)?;
    decode_head(&mut decoder)?;
    Ok(decoder.rest().to_vec())
}

fn decode_head<'r>(decoder: &mut Decoder<'r>) -> Result<(&'r str, Era), Failure> {
    let tenant = str::from_utf8(decoder.varint_bytes()?)
        .map_err(|_| decoder.corrupt(format_args!("its tenant is not UTF-8")))?;
    Ok((tenant, decoder.varint()?))
}

/// Where the rest of a ticket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its profile.
    pub profile_id: ObjectId,
    /// The moment under which the index by request has it: that of a request, which may not be the last.
    pub indexed: Moment,
}

/// The record of a ticket's digest.
pub fn encode_place(place: &Place) -> Vec<u8> {
    Encoder::new(PLACE_VERSION)
        .bytes(place.profile_id.as_bytes())
        .moment(place.indexed)
        .finish()
}

/// What the record of a ticket's digest has.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_place(record: &[u8]) -> Result<Place, Failure> {
    let mut decoder = Decoder::new("place of a ticket", PLACE_VERSION, record)?;
    let place = Place {
        profile_id: ObjectId::from_bytes(decoder.array()?),
        indexed: decoder.moment()?,
    };
    decoder.finish()?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any};

    use super::*;
    use crate::domain::ticket::TicketDigest;
    use crate::property::assert_holds;
    use crate::storage::codec::properties::{check, check_time};
    use crate::tables::properties::{object_id, tenant_name};

    const KEY: TicketKey = TicketKey {
        profile_id: ObjectId::from_bytes([9; 12]),
        digest: TicketDigest::from_bytes([7; 16]),
    };

    fn moment() -> impl Strategy<Value = Moment> + Clone {
        any::<i64>().prop_map(Moment::from_millis)
    }

    fn tickets() -> impl Strategy<Value = TicketState> + Clone {
        let fields = (tenant_name(), any::<u64>(), moment());
        fields.prop_map(|(tenant, era, last_request)| TicketState {
            digest: KEY.digest,
            tenant,
            profile_id: KEY.profile_id,
            era,
            last_request,
        })
    }

    #[test]
    fn records_are_what_they_were() {
        check(tickets(), encode, |record| decode(KEY, record));
        check_time(&[VERSION], |record| decode(KEY, record));
        let places = (object_id(), moment());
        let places = places.prop_map(|(profile_id, indexed)| Place {
            profile_id,
            indexed,
        });
        check(places, encode_place, decode_place);
    }

    #[test]
    fn a_request_changes_its_time_and_nothing_else() {
        assert_holds((tickets(), moment()), |(before, last_request)| {
            let mut changed = b"kept".to_vec();
            let delta = delta_of(last_request);
            apply_request(&encode(&before), &delta, &mut changed).expect("it fits");
            let expected = TicketState {
                last_request,
                ..before
            };
            assert_eq!(decode(KEY, &changed[4..]), Ok(expected));
            assert_eq!(request_of(&changed[4..]), Ok(delta));
        });
    }
}
