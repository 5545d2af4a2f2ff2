//! The JSON of tickets.

use serde::Serialize;

use crate::domain::ticket::Ticket;
use crate::error::Failure;
use crate::http::response::{self, Response};

/// A response with a ticket.
///
/// # Errors
///
/// As [`response::json`].
pub fn ticket(ticket: &Ticket) -> Result<Response, Failure> {
    let (mut profile_id, mut id) = ([0; 24], [0; 36]);
    response::json(&TicketBody {
        tenant: ticket.tenant.as_str(),
        profile_id: ticket.profile_id.encode(&mut profile_id),
        last_request_time: ticket.last_request.as_millis(),
        id: ticket.id.reveal().hyphenated().encode_lower(&mut id),
    })
}

/// The wire contract's form of a ticket, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TicketBody<'a> {
    tenant: &'a str,
    profile_id: &'a str,
    last_request_time: i64,
    id: &'a str,
}
