//! A profile signs in, with its password or because a persistent login remembers it.

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::domain::ticket::{Ticket, TicketDigest, TicketId, TicketState};
use crate::error::Failure;
use crate::service::access::ProfileRequest;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::profile::ProfileSelector;
use crate::service::ticket::refusal::TicketRefusal;
use crate::service::transaction;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::ticket;
use crate::tables::ticket::ended as ended_tickets;

/// The id of a ticket that is to be created, drawn before the transaction that does it.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct NewTicket {
    id: TicketId,
    digest: TicketDigest,
}

impl NewTicket {
    /// A random one.
    ///
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(in crate::service) fn new(app: &App) -> Result<Self, Failure> {
        let id = TicketId::new(app.entropy.uuid());
        let (_, key) = app.keys.get()?.newest();
        Ok(Self {
            id,
            digest: TicketDigest::new(id, key),
        })
    }

    /// Creates the ticket of a profile that exists and is enabled in `txn`.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    pub(in crate::service) fn create_in(
        self,
        txn: &WriteTxn,
        context: &OpContext,
        tenant: &TenantName,
        profile_id: ObjectId,
    ) -> Result<Ticket, Failure> {
        let now = &context.now;
        let state = TicketState {
            digest: self.digest,
            tenant: tenant.clone(),
            profile_id,
            era: ended_tickets::era_of_new(txn, profile_id)?,
            last_request: now.moment,
        };
        ticket::create(txn, &state)?;
        Ok(state.issue(self.id, &now.timeline))
    }
}

/// Creates a ticket of the profile with the id `profile_id`.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES, READ_TENANT and then MANAGE_TICKETS
/// on its tenant, and a disabled profile, in this order ("Permissions and order of checks").
pub async fn create(
    app: &App,
    caller: Caller,
    profile_id: String,
) -> Result<Ticket, Error<TicketRefusal>> {
    let request = ProfileRequest::new(app, caller, ProfileSelector::Id(profile_id));
    transaction::read(app, |txn| request.authorize_ticket(txn).map(drop))?;
    let new = NewTicket::new(app)?;
    transaction::write(app, move |txn| {
        let (caller, profile_id, profile) = request.authorize_ticket(txn)?;
        let context = request.context.as_caller(caller);
        let ticket = new.create_in(txn, &context, &profile.tenant, profile_id)?;
        let subject = Subject::Profile {
            tenant: profile.tenant,
            id: profile_id,
        };
        context.record_subject(txn, Event::CreateTicket, subject);
        Ok(ticket)
    })
    .await
}
