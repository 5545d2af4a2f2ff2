//! Finding a ticket by its id, if it is valid.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock::timeline::{Moment, Now};
use crate::domain::key_ring::KeyRing;
use crate::domain::ticket::{TicketDigest, TicketId, TicketState, is_expired};
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::read_txn::ReadTxn;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::ticket::ended as ended_tickets;
use crate::tables::ticket::requests::{Missed, TicketRequests, Version};
use crate::tables::{ended_tenants, ticket};

/// A ticket that is looked for.
#[derive(Clone)]
pub(in crate::service) struct TicketLookup {
    /// `None` if what the caller gave is no id.
    pub(in crate::service) id: Option<TicketId>,
    keys: Arc<KeyRing>,
    requests: Arc<TicketRequests>,
    /// Taken before the snapshot.
    version: Version,
    idle_max: Duration,
}

impl TicketLookup {
    /// The ticket whose id the caller gave as `id`. To be made before the transaction that it is used in.
    ///
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(in crate::service) fn new(app: &App, id: &str) -> Result<Self, Failure> {
        Ok(Self {
            id: TicketId::parse(id),
            keys: Arc::clone(app.keys.get()?),
            requests: Arc::clone(&app.ticket_requests),
            version: app.ticket_requests.version(),
            idle_max: app.config.tickets.ticket_idle_max,
        })
    }

    /// The same, for another snapshot.
    pub(super) fn again(&mut self) {
        self.version = self.requests.version();
    }

    /// The ticket, if it is valid at `now`.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(in crate::service) fn find(
        &self,
        txn: &ReadTxn,
        now: &Now,
    ) -> Result<Option<TicketState>, Failure> {
        let Some(ticket) = self.stored(txn)? else {
            return Ok(None);
        };
        match self.requests.last(&ticket, self.version) {
            Some(last) => Ok(self.unless_expired(ticket, last, now)),
            // Something was saved this moment, perhaps a request of this ticket.
            None if is_expired(ticket.last_request, now, self.idle_max) => Err(Failure::Overloaded),
            None => Ok(Some(ticket)),
        }
    }

    /// As [`TicketLookup::find`], in a write transaction.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(super) fn find_in_write(
        &self,
        txn: &WriteTxn,
        now: &Now,
    ) -> Result<Option<TicketState>, Failure> {
        let found = self.stored(txn)?;
        Ok(found.and_then(|ticket| {
            let last = self.requests.last_in_write(&ticket);
            self.unless_expired(ticket, last, now)
        }))
    }

    /// The ticket that the snapshot has, if it did not end with others: it may have expired.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    fn stored(&self, txn: &impl Read) -> Result<Option<TicketState>, Failure> {
        let Some(id) = self.id else {
            return Ok(None);
        };
        for digest in TicketDigest::possible(id, &self.keys) {
            if let Some(ticket) = ticket::get(txn, digest)? {
                let has_ended = ended_tickets::has_ended(txn, ticket.profile_id, ticket.era)?
                    || ended_tenants::has_ended(txn, &ticket.tenant, ticket.era)?;
                return Ok((!has_ended).then_some(ticket));
            }
        }
        Ok(None)
    }

    /// Moves the last request of `ticket`, which a snapshot has that was taken since this was made, and returns it.
    ///
    /// # Errors
    ///
    /// See [`Missed`].
    pub(super) fn advance(&self, ticket: &TicketState, now: &Now) -> Result<Moment, Missed> {
        self.requests
            .advance(ticket, self.version, now, self.idle_max)
    }

    fn unless_expired(&self, ticket: TicketState, last: Moment, now: &Now) -> Option<TicketState> {
        (!is_expired(last, now, self.idle_max)).then_some(TicketState {
            last_request: last,
            ..ticket
        })
    }
}
