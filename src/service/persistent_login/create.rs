//! A profile signs in and is to be remembered.

use std::sync::Arc;

use crate::app::App;
use crate::audit::Event;
use crate::domain::device::Device;
use crate::domain::login_state::{KeyEpoch, LoginState};
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::domain::token_chain::TokenChain;
use crate::service::access::{ProfileRequest, issue};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::cap;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::persistent_login::validity::Validity;
use crate::service::transaction;
use crate::tables::persistent_login::{self, ended};

/// Creates a login of the profile with the id `profile_id`. At the cap of a profile's logins, the one unused
/// longest ends.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then
/// MANAGE_TICKETS on its tenant, and a disabled profile, in this order.
pub async fn create(
    app: &App,
    caller: Caller,
    profile_id: String,
    device: Device,
) -> Result<PersistentLogin, Error<PersistentLoginRefusal>> {
    let request = ProfileRequest::new(app, caller, profile_id);
    let keys = Arc::clone(app.keys.get()?);
    let (candidates, _permit) = cap::read_candidates(app, &request, &keys).await?.unzip();
    let id = PersistentLoginId::new(app.entropy.uuid());
    let (number, _) = keys.newest();
    let logins_max = app.config.logins.logins_per_profile_max.get();
    let ring = Arc::clone(&keys);
    let timeline = request.context.now.timeline.clone();
    let login = transaction::write(app, move |txn| {
        let (caller, profile_id, profile) = request.authorize_create(txn)?;
        let login = LoginState {
            id,
            tenant: profile.tenant,
            profile_id,
            created: request.context.now.moment,
            era: ended::era_of_new(txn, profile_id)?,
            chain: TokenChain::NEW,
            key: KeyEpoch { number, since: 0 },
            imported: None,
        };
        let context = request.context.as_caller(caller);
        let validity = Validity::of_profile_at(txn, &context, &ring, profile_id)?;
        cap::end_surplus(
            txn,
            &context,
            &validity,
            profile_id,
            logins_max,
            candidates.as_ref(),
        )?;
        persistent_login::create(txn, &login, &device)?;
        context.record(txn, Event::Create, &login);
        Ok(login)
    })
    .await?;
    Ok(issue(&login, &keys, &timeline)?)
}
