//! A profile signs in and is to be remembered.

use std::sync::Arc;

use crate::app::App;
use crate::audit::event::Event;
use crate::domain::device::Device;
use crate::domain::login_state::{KeyEpoch, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::profile::Profile;
use crate::domain::token_chain::TokenChain;
use crate::service::access::{LoginOwner, ProfileRequest, issue};
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::cap;
use crate::service::persistent_login::extension::{Extension, IssuedLogin};
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::persistent_login::validity::Validity;
use crate::service::profile::ProfileSelector;
use crate::service::transaction;
use crate::tables::persistent_login::{self, ended};
use crate::tables::profile;

/// A login that is to be created.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Whose it is.
    pub profile: ProfileSelector,
    /// Whether the profile is to be created if there is none with its username: enabled, without a password.
    pub creates_profile: bool,
    /// What is known of its device.
    pub device: Device,
    /// Whether the response is to be extended.
    pub is_extended: bool,
}

/// Creates a login of a profile, and the profile in the same transaction if that is asked for. At the cap of a
/// profile's logins, the one unused longest ends.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES, READ_TENANT and then MANAGE_TICKETS
/// on its tenant, and a disabled profile, in this order. With a username, what the caller may do comes before the
/// profile; where that may be created, the tenant must exist.
pub async fn create(
    app: &App,
    caller: Caller,
    new: NewLogin,
) -> Result<IssuedLogin, Error<PersistentLoginRefusal>> {
    let NewLogin {
        profile,
        creates_profile,
        device,
        is_extended,
    } = new;
    let request = ProfileRequest::new(app, caller, profile).creating_profile(creates_profile);
    let keys = Arc::clone(app.keys.get()?);
    let (candidates, _permit) = cap::read_candidates(app, &request, &keys).await?.unzip();
    let id = PersistentLoginId::new(app.entropy.uuid());
    let new_profile_id = ObjectId::new(request.context.now.time(), app.entropy.bytes());
    let (number, _) = keys.newest();
    let logins_max = app.config.logins.logins_per_profile_max.get();
    let ring = Arc::clone(&keys);
    let timeline = request.context.now.timeline.clone();
    let (login, extension) = transaction::write(app, move |txn| {
        let (caller, owner) = request.authorize_create(txn)?;
        let context = request.context.as_caller(caller);
        let (profile_id, tenant) = match owner {
            LoginOwner::Existing(id, profile) => (id, profile.tenant),
            LoginOwner::New(tenant, username) => {
                let now = context.now.time();
                let profile = Profile::without_password(new_profile_id, &tenant, &username, now);
                profile::insert(txn, &profile)?;
                context.record_subject(txn, Event::CreateProfile, (&profile).into());
                (new_profile_id, profile.tenant)
            }
        };
        let login = LoginState {
            id,
            tenant,
            profile_id,
            created: context.now.moment,
            era: ended::era_of_new(txn, profile_id)?,
            chain: TokenChain::NEW,
            key: KeyEpoch { number, since: 0 },
            imported: None,
        };
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
        let mut extension = None;
        if is_extended {
            let username = profile::username(txn, profile_id)?;
            let (lifetime, timeline) = (context.lifetime, &context.now.timeline);
            extension = Some(Extension::of(&login, username, lifetime, timeline));
        }
        Ok((login, extension))
    })
    .await?;
    Ok(IssuedLogin {
        login: issue(&login, &keys, &timeline)?,
        extension,
    })
}
