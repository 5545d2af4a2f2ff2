//! An application asks, for a request of a person who is signed in, whether the ticket is valid.

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::ticket::{Ticket, TicketState};
use crate::service::access::require;
use crate::service::caller::Caller;
use crate::service::context::OpContext;
use crate::service::error::Error;
use crate::service::ticket::lookup::TicketLookup;
use crate::service::ticket::refusal::TicketRefusal;
use crate::service::transaction;
use crate::tables::ticket::requests::Missed;

/// The ticket with this id. Its last request is moved to now, later than the one before in any case; a crash may lose
/// that of the last second.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired ticket, and a caller without MANAGE_TICKETS on the ticket's tenant,
/// in this order.
pub fn read(app: &App, caller: &Caller, id: &str) -> Result<Ticket, Error<TicketRefusal>> {
    caller.note_use(app);
    let context = OpContext::as_system(app);
    let now = &context.now;
    let mut lookup = TicketLookup::new(app, id)?;
    let not_found = || TicketRefusal::NotFound { id: id.to_owned() };
    loop {
        let found = transaction::read(app, |txn| {
            let token = caller.identify(txn, now.time())?;
            let ticket = lookup.find(txn, now)?.ok_or_else(not_found)?;
            require(&token, TenantAction::ManageTickets, ticket.tenant.as_str())?;
            Ok::<_, Error<TicketRefusal>>(ticket)
        })?;
        match lookup.advance(&found, now) {
            Ok(last_request) => {
                let id = lookup.id.ok_or_else(not_found)?;
                let ticket = TicketState {
                    last_request,
                    ..found
                };
                return Ok(ticket.issue(id, &now.timeline));
            }
            Err(Missed::Outdated) => lookup.again(),
            Err(Missed::Expired) => return Err(not_found().into()),
            Err(Missed::Failed(failure)) => return Err(failure.into()),
        }
    }
}
