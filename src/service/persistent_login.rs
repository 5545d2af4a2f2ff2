//! Creating, reading, rotating and deleting persistent logins.
//!
//! Each write is checked first on a snapshot, so that refused callers never reach the writer, and
//! again inside the write transaction, whose check is the one that counts.

use std::time::Duration;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::profile::Standing;
use crate::domain::tenant::TenantName;
use crate::error::{Error, Failure, Refusal};
use crate::service::access::{self, Caller};
use crate::store::engine::Read;
use crate::store::{persistent_login, profile};

/// Creates a login of the profile with the id `profile_id`.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, a caller without MANAGE_PROFILES and then
/// MANAGE_TICKETS on its tenant, and a disabled profile, in this order.
pub async fn create(
    app: &App,
    caller: Caller,
    profile_id: String,
) -> Result<PersistentLogin, Error> {
    let request = Creation {
        caller,
        profile_id,
        now: app.clock.now(),
    };
    app.store.read(|txn| request.check(txn).map(drop))?;
    let id = PersistentLoginId::new(app.entropy.uuid());
    let token = Token::new(app.entropy.uuid());
    app.store
        .write(move |txn| {
            let (profile_id, tenant) = request.check(txn)?;
            let login = PersistentLogin {
                id,
                tenant,
                profile_id,
                token,
                timestamp: request.now,
            };
            persistent_login::create(txn, &login)?;
            Ok(login)
        })
        .await
}

/// The login with this id.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown or expired login or one whose profile is gone, and a caller
/// without MANAGE_TICKETS on the login's tenant, in this order.
pub fn read(app: &App, caller: Caller, id: String) -> Result<PersistentLogin, Error> {
    let request = Access::new(app, caller, id);
    app.store.read(|txn| {
        let token = request.caller.identify(txn, request.now)?;
        let (login, _) = request.find(txn)?;
        request.permit(&token, &login)?;
        Ok(login)
    })
}

/// Replaces the login's token by a fresh one.
///
/// # Errors
///
/// As [`read`], and then refuses a disabled profile.
pub async fn refresh(app: &App, caller: Caller, id: String) -> Result<PersistentLogin, Error> {
    let request = Access::new(app, caller, id);
    app.store.read(|txn| request.rotatable(txn).map(drop))?;
    let fresh = Token::new(app.entropy.uuid());
    app.store
        .write(move |txn| {
            let login = request.rotatable(txn)?.rotated(fresh);
            persistent_login::rotate(txn, &login)?;
            Ok(login)
        })
        .await
}

/// Deletes the login; one that does not exist is deleted already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_TICKETS on the tenant of an existing login.
pub async fn delete(app: &App, caller: Caller, id: String) -> Result<(), Error> {
    let request = Access::new(app, caller, id);
    if app.store.read(|txn| request.deletable(txn))?.is_none() {
        return Ok(());
    }
    app.store
        .write(move |txn| match request.deletable(txn)? {
            Some(login) => Ok(persistent_login::delete(txn, &login)?),
            None => Ok(()),
        })
        .await
}

/// Deletes a bounded number of expired logins, oldest first; tells how many there were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Error> {
    let newest = app.clock.now().minus(app.config.persistent_login_max_age);
    let any = app
        .store
        .read(|txn| Ok(persistent_login::any_created_until(txn, newest)?))?;
    if !any {
        return Ok(0);
    }
    let count_max = app.config.cleaner_batch_max.get();
    app.store
        .write(move |txn| {
            Ok(persistent_login::delete_created_until(
                txn, newest, count_max,
            )?)
        })
        .await
}

/// A wish to create a login.
struct Creation {
    caller: Caller,
    profile_id: String,
    now: Timestamp,
}

impl Creation {
    fn check(&self, txn: &impl Read) -> Result<(ObjectId, TenantName), Error> {
        let token = self.caller.identify(txn, self.now)?;
        let (id, standing) = self.find_profile(txn)?;
        access::permit(&token, TenantAction::ManageProfiles, &standing.tenant)?;
        access::permit(&token, TenantAction::ManageTickets, &standing.tenant)?;
        check_enabled(id, &standing)?;
        Ok((id, standing.tenant))
    }

    fn find_profile(&self, txn: &impl Read) -> Result<(ObjectId, Standing), Error> {
        let found = match ObjectId::parse(&self.profile_id) {
            Some(id) => profile::standing(txn, id)?.map(|standing| (id, standing)),
            None => None,
        };
        found.ok_or_else(|| {
            let id = self.profile_id.clone();
            Refusal::NoSuchProfile { id }.into()
        })
    }
}

/// A wish to do something with an existing login.
struct Access {
    caller: Caller,
    id: String,
    now: Timestamp,
    max_age: Duration,
}

impl Access {
    fn new(app: &App, caller: Caller, id: String) -> Self {
        Self {
            caller,
            id,
            now: app.clock.now(),
            max_age: app.config.persistent_login_max_age,
        }
    }

    /// The login, if the caller may rotate it.
    fn rotatable(&self, txn: &impl Read) -> Result<PersistentLogin, Error> {
        let token = self.caller.identify(txn, self.now)?;
        let (login, standing) = self.find(txn)?;
        self.permit(&token, &login)?;
        check_enabled(login.profile_id, &standing)?;
        Ok(login)
    }

    /// The login, if there is one and the caller may delete it.
    fn deletable(&self, txn: &impl Read) -> Result<Option<PersistentLogin>, Error> {
        let token = self.caller.identify(txn, self.now)?;
        let found = self.find_valid(txn)?;
        if let Some(login) = &found {
            self.permit(&token, login)?;
        }
        Ok(found)
    }

    /// The login and its profile's standing; a login whose profile is gone counts as gone with it.
    fn find(&self, txn: &impl Read) -> Result<(PersistentLogin, Standing), Error> {
        let found = match self.find_valid(txn)? {
            Some(login) => {
                profile::standing(txn, login.profile_id)?.map(|standing| (login, standing))
            }
            None => None,
        };
        found.ok_or_else(|| {
            let id = self.id.clone();
            Refusal::NoSuchPersistentLogin { id }.into()
        })
    }

    fn find_valid(&self, txn: &impl Read) -> Result<Option<PersistentLogin>, Failure> {
        let Some(id) = PersistentLoginId::parse(&self.id) else {
            return Ok(None);
        };
        let found = persistent_login::get(txn, id)?;
        Ok(found.filter(|login| !login.is_expired(self.now, self.max_age)))
    }

    fn permit(&self, token: &AccessToken, login: &PersistentLogin) -> Result<(), Refusal> {
        access::permit(token, TenantAction::ManageTickets, &login.tenant)
    }
}

fn check_enabled(id: ObjectId, standing: &Standing) -> Result<(), Refusal> {
    if standing.enabled {
        return Ok(());
    }
    Err(Refusal::DisabledProfile {
        id: id.to_string(),
        tenant: standing.tenant.as_str().to_owned(),
    })
}
