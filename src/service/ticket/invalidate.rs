//! Somebody signs out.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::ticket::TicketState;
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::ticket::lookup::TicketLookup;
use crate::service::ticket::refusal::TicketRefusal;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::ticket;
use crate::tables::ticket::key::TicketKey;

/// Ends the ticket with this id; one that does not exist has ended already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_TICKETS on the tenant of an existing ticket.
pub async fn invalidate(app: &App, caller: Caller, id: &str) -> Result<(), Error<TicketRefusal>> {
    caller.note_use(app);
    let context = OpContext::as_system(app);
    let lookup = TicketLookup::new(app, id)?;
    let found = transaction::read(app, |txn| {
        let found = lookup.find(txn, &context.now)?;
        authorize(&caller, txn, &context, found)
    })?;
    if found.1.is_none() {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        let found = lookup.find_in_write(txn, &context.now)?;
        if let (token, Some(found)) = authorize(&caller, txn, &context, found)? {
            ticket::delete(txn, TicketKey::of(&found))?;
            let subject = Subject::Profile {
                tenant: found.tenant,
                id: found.profile_id,
            };
            let context = context.as_caller(token);
            context.record_subject(txn, Event::InvalidateTicket, subject);
        }
        Ok(())
    })
    .await
}

/// The caller and the ticket that was found, if the caller may end it.
fn authorize(
    caller: &Caller,
    txn: &impl Read,
    context: &OpContext,
    found: Option<TicketState>,
) -> Result<(Arc<AccessToken>, Option<TicketState>), Error<TicketRefusal>> {
    let token = caller.identify(txn, context.now.time())?;
    if let Some(ticket) = &found {
        require(&token, TenantAction::ManageTickets, ticket.tenant.as_str())?;
    }
    Ok((token, found))
}
