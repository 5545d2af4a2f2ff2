//! Somebody signs out.

use crate::app::App;
use crate::domain::access_token::TenantAction;
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
    if found.is_none() {
        return Ok(());
    }
    transaction::write(app, move |txn| {
        let found = lookup.find_in_write(txn, &context.now)?;
        if let Some(found) = authorize(&caller, txn, &context, found)? {
            ticket::delete(txn, TicketKey::of(&found))?;
        }
        Ok(())
    })
    .await
}

/// The ticket that was found, if the caller may end it.
fn authorize(
    caller: &Caller,
    txn: &impl Read,
    context: &OpContext,
    found: Option<TicketState>,
) -> Result<Option<TicketState>, Error<TicketRefusal>> {
    let token = caller.identify(txn, context.now.time())?;
    if let Some(ticket) = &found {
        require(&token, TenantAction::ManageTickets, ticket.tenant.as_str())?;
    }
    Ok(found)
}
