//! An application looks at a profile.

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::profile::Profile;
use crate::domain::tenant::TenantName;
use crate::service::access::{require, require_profiles};
use crate::service::caller::Caller;
use crate::service::profile::ProfileRefusal;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::{Checked, SingleProfileRequest};
use crate::service::profile::visible::Visibility;
use crate::service::ticket::lookup::TicketLookup;
use crate::service::transaction;
use crate::tables::profile;

/// The profile with this id, with the attributes that the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_PROFILES and then READ_TENANT on its
/// tenant, in this order.
pub fn read(app: &App, caller: Caller, id: String) -> Checked<Profile> {
    let request = SingleProfileRequest::new(app, caller, id);
    transaction::read(app, |txn| {
        let (token, mut profile) = request.authorize(txn)?;
        Visibility::of(token).keep_readable(txn, &mut profile)?;
        Ok(profile)
    })
}

/// As [`read`], for the tenant's profile with this username.
///
/// # Errors
///
/// Refuses an invalid caller, one without MANAGE_PROFILES on the tenant, an unknown username, and a caller without
/// READ_TENANT, in this order: whether a username exists is nothing for whoever may not manage the tenant's profiles.
pub fn read_by_username(
    app: &App,
    caller: Caller,
    tenant: String,
    username: String,
) -> Checked<Profile> {
    caller.note_use(app);
    let now = app.clock.now().time();
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now)?;
        require(&token, TenantAction::ManageProfiles, &tenant)?;
        let found = match TenantName::new(tenant.as_str()) {
            Some(tenant) => profile::by_username(txn, &tenant, &username)?,
            None => None,
        };
        let mut profile = found.ok_or_else(|| ProfileRefusal::NoSuchUsername {
            tenant: tenant.clone(),
            username: username.clone(),
        })?;
        require(&token, TenantAction::ReadTenant, &tenant)?;
        Visibility::of(token).keep_readable(txn, &mut profile)?;
        Ok(profile)
    })
}

/// As [`read`], for the profile that the ticket with this id was created for. It does not count as a request of the
/// ticket.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired ticket, a caller without MANAGE_TICKETS on the ticket's tenant, a
/// profile that is gone, and a caller without MANAGE_PROFILES and then READ_TENANT on the profile's tenant, in this
/// order.
pub fn read_by_ticket(app: &App, caller: Caller, ticket_id: String) -> Checked<Profile> {
    caller.note_use(app);
    let now = app.clock.now();
    let lookup = TicketLookup::new(app, &ticket_id)?;
    transaction::read(app, |txn| {
        let token = caller.identify(txn, now.time())?;
        let id = || ticket_id.clone();
        let ticket = lookup
            .find(txn, &now)?
            .ok_or_else(|| ProfileRequestRefusal::NoSuchTicket { id: id() })?;
        require(&token, TenantAction::ManageTickets, ticket.tenant.as_str())?;
        let mut profile = profile::get(txn, ticket.profile_id)?
            .ok_or_else(|| ProfileRequestRefusal::NoProfileOfTicket { id: id() })?;
        require_profiles(&token, profile.tenant.as_str())?;
        Visibility::of(token).keep_readable(txn, &mut profile)?;
        Ok(profile)
    })
}
