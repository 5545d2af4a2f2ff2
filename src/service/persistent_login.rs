//! Creating, reading, rotating and ending persistent logins.
//!
//! Each write is checked first on a snapshot, so that refused callers never reach the writer, and
//! again inside the write transaction, whose check is the one that counts; where nothing but rotations
//! came between, a refresh need not look twice. What happened is told to the trail by the transaction,
//! once it is committed.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::profile::Standing;
use crate::domain::tenant::TenantName;
use crate::error::{Error, Failure, Refusal};
use crate::service::access::{self, Caller};
use crate::service::rotation::Refresh;
use crate::service::scene::Scene;
use crate::store::engine::Read;
use crate::store::engine::read_txn::ReadTxn;
use crate::store::persistent_login::Usage;
use crate::store::place::Place;
use crate::store::profile::Bar;
use crate::store::seen::Seen;
use crate::store::{persistent_login, profile};
use crate::trail::{Event, Reason};

/// Creates a login of the profile with the id `profile_id`. Where a profile may have only so many,
/// those unused longest make room.
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
) -> Result<PersistentLogin, Error> {
    let request = OfProfile::new(app, caller, profile_id);
    app.store.read(|txn| request.creatable(txn).map(drop))?;
    let id = PersistentLoginId::new(app.entropy.uuid());
    let token = Token::new(app.entropy.uuid());
    let cap = app.config.logins_per_profile_max;
    app.store
        .write(move |txn| {
            let (caller, profile_id, standing) = request.creatable(txn)?;
            let login = PersistentLogin {
                id,
                tenant: standing.tenant,
                profile_id,
                token,
                timestamp: request.scene.now,
                rotation: None,
            };
            let told = request.scene.by(caller);
            if let Some(cap) = cap {
                for crowded_out in told.surplus(txn, profile_id, cap.get() - 1)? {
                    told.end(txn, Event::Revocation(Reason::Cap), &crowded_out)?;
                }
            }
            persistent_login::create(txn, &login, &device)?;
            told.tell(txn, Event::Create, &login);
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
    let request = OfLogin::new(app, caller, id);
    app.store.read(|txn| {
        let token = request.caller.identify(txn, request.scene.now)?;
        let (login, _) = request.find(txn)?;
        permit(&token, &login.tenant)?;
        Ok(login)
    })
}

/// Replaces the login's token by a fresh one.
///
/// With `presented`, the token that came in the user's cookie, the login is compared and rotated in
/// one: its current token rotates it; the token that was just replaced gets the current one, so that
/// two tabs or a lost answer end with the same successor; any other was used before, by somebody who
/// has a copy, and revokes what the settings say.
///
/// # Errors
///
/// As [`read`], and then refuses a disabled profile, and a token that was used before.
pub async fn refresh(
    app: &App,
    caller: Caller,
    id: String,
    presented: Option<Token>,
) -> Result<PersistentLogin, Error> {
    let request = OfLogin::new(app, caller, id);
    let look = |txn: &ReadTxn| Ok(Seen::new(txn, request.rotatable(txn)?));
    let seen = app.store.read(look)?;
    let refresh = Refresh::new(app, presented);
    app.store
        .write(move |txn| {
            let (caller, login) = match seen.recall(txn) {
                Some(((caller, login), version)) => {
                    (caller, persistent_login::rotated_since(txn, version, login))
                }
                None => request.rotatable(txn)?,
            };
            refresh.carry_out(txn, login, &request.scene.by(caller))
        })
        .await
}

/// Deletes the login; one that does not exist is deleted already.
///
/// # Errors
///
/// Refuses an invalid caller, and one without MANAGE_TICKETS on the tenant of an existing login.
pub async fn delete(app: &App, caller: Caller, id: String) -> Result<(), Error> {
    let request = OfLogin::new(app, caller, id);
    if app.store.read(|txn| request.deletable(txn))?.is_none() {
        return Ok(());
    }
    app.store
        .write(move |txn| {
            if let Some((caller, login)) = request.deletable(txn)? {
                request.scene.by(caller).end(txn, Event::Delete, &login)?;
            }
            Ok(())
        })
        .await
}

/// A login as its profile's owner may see it: without its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The login.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// What is known of its device.
    pub device: Device,
    /// When it was created.
    pub created: Timestamp,
    /// When it was rotated last, or created.
    pub last_used: Timestamp,
    /// When it expires unless it is used before.
    pub expires: Timestamp,
}

/// The valid logins of a profile, the one used last first: `count` of them after the first `start`.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_TICKETS on its tenant, in
/// this order.
pub fn list_by_profile(
    app: &App,
    caller: Caller,
    profile_id: String,
    start: usize,
    count: usize,
) -> Result<Vec<Listed>, Error> {
    let request = OfProfile::new(app, caller, profile_id);
    let Scene { now, lifetime, .. } = request.scene;
    app.store.read(|txn| {
        let (_, profile_id, standing) = request.manageable(txn)?;
        let mut usages = persistent_login::usage_of_profile(txn, profile_id)?;
        usages.retain(|usage| now < lifetime.end(usage.created, usage.last_used));
        let page = newest_first(&mut usages, start, count).iter();
        page.map(|usage| {
            let id = usage.id;
            Ok(Listed {
                id,
                tenant: standing.tenant.clone(),
                profile_id,
                device: persistent_login::device(txn, Place { profile_id, id })?,
                created: usage.created,
                last_used: usage.last_used,
                expires: lifetime.end(usage.created, usage.last_used),
            })
        })
        .collect()
    })
}

/// `count` of the usages after the first `start`, if all were in the order of a list; most of a long
/// list need not be put in order for that.
fn newest_first(usages: &mut [Usage], start: usize, count: usize) -> &[Usage] {
    let order = |usage: &Usage| (Reverse(usage.last_used), usage.id);
    let end = start.saturating_add(count).min(usages.len());
    if end < usages.len() {
        usages.select_nth_unstable_by_key(end, order);
    }
    let head = &mut usages[..end];
    head.sort_unstable_by_key(order);
    &head[start.min(end)..]
}

/// Deletes the logins of a profile but the one with the id `except`; tells how many of them were valid.
///
/// # Errors
///
/// As [`list_by_profile`].
pub async fn delete_by_profile(
    app: &App,
    caller: Caller,
    profile_id: String,
    except: Option<PersistentLoginId>,
) -> Result<usize, Error> {
    let request = OfProfile::new(app, caller, profile_id);
    app.store.read(|txn| request.manageable(txn).map(drop))?;
    app.store
        .write(move |txn| {
            let (caller, profile_id, _) = request.manageable(txn)?;
            let told = request.scene.by(caller);
            let mut deleted = 0;
            for login in persistent_login::of_profile(txn, profile_id)? {
                if Some(login.id) != except {
                    let was_valid = told.end(txn, Event::Delete, &login)?;
                    deleted += usize::from(was_valid);
                }
            }
            Ok(deleted)
        })
        .await
}

/// Deletes a bounded number of logins that are expired by their age, oldest first; tells how many
/// there were.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_expired(app: &App) -> Result<usize, Error> {
    let scene = Scene::new(app);
    let newest = scene.now.minus(scene.lifetime.max_age);
    let any = app
        .store
        .read(|txn| Ok(persistent_login::any_created_until(txn, newest)?))?;
    if !any {
        return Ok(0);
    }
    let count_max = app.config.cleaner_batch_max.get();
    app.store
        .write(move |txn| {
            let (logins, count) = persistent_login::delete_created_until(txn, newest, count_max)?;
            let told = scene.by_itself();
            for login in &logins {
                told.tell(txn, Event::Expiry, login);
            }
            Ok(count)
        })
        .await
}

/// Deletes those that have been unused too long among the next bounded number of logins after `after`,
/// in the order of their places. Returns where to go on; `None` once the end was reached.
///
/// No index knows when a login was used last, since every rotation would have to move its entry: so
/// they are found by walking along, a little at a time.
///
/// # Errors
///
/// Failures of the storage.
pub async fn delete_idle(app: &App, after: Option<Place>) -> Result<Option<Place>, Error> {
    let scene = Scene::new(app);
    let walk_max = app.config.cleaner_walk_max.get();
    let mut idle = Vec::new();
    let next = app.store.read(|txn| {
        let next = persistent_login::walk(txn, after, walk_max, |login| {
            if login.is_expired(scene.now, scene.lifetime) {
                idle.push(Place::of(&login));
            }
        })?;
        Ok(next)
    })?;
    for places in idle.chunks(app.config.cleaner_batch_max.get()) {
        let (scene, places) = (scene.clone(), places.to_vec());
        app.store
            .write(move |txn| {
                let told = scene.by_itself();
                for place in places {
                    let found = persistent_login::get_at(txn, place)?;
                    // It may have been used since it was seen.
                    if let Some(login) =
                        found.filter(|login| login.is_expired(scene.now, scene.lifetime))
                    {
                        told.end(txn, Event::Expiry, &login)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(next)
}

/// A wish that concerns a profile.
struct OfProfile {
    caller: Caller,
    profile_id: String,
    scene: Scene,
}

impl OfProfile {
    fn new(app: &App, caller: Caller, profile_id: String) -> Self {
        Self {
            caller,
            profile_id,
            scene: Scene::new(app),
        }
    }

    /// The caller and the profile, if the caller may create a login of it.
    fn creatable(&self, txn: &impl Read) -> Result<(Arc<AccessToken>, ObjectId, Standing), Error> {
        let token = self.caller.identify(txn, self.scene.now)?;
        let (id, standing) = self.find(txn)?;
        access::permit(&token, TenantAction::ManageProfiles, &standing.tenant)?;
        permit(&token, &standing.tenant)?;
        check_enabled(standing.enabled, id, &standing.tenant)?;
        Ok((token, id, standing))
    }

    /// The caller and the profile, if the caller may list and end its logins.
    fn manageable(&self, txn: &impl Read) -> Result<(Arc<AccessToken>, ObjectId, Standing), Error> {
        let token = self.caller.identify(txn, self.scene.now)?;
        let (id, standing) = self.find(txn)?;
        permit(&token, &standing.tenant)?;
        Ok((token, id, standing))
    }

    fn find(&self, txn: &impl Read) -> Result<(ObjectId, Standing), Error> {
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

/// A wish that concerns an existing login.
struct OfLogin {
    caller: Caller,
    id: String,
    scene: Scene,
}

impl OfLogin {
    fn new(app: &App, caller: Caller, id: String) -> Self {
        Self {
            caller,
            id,
            scene: Scene::new(app),
        }
    }

    /// The caller and the login, if the caller may rotate it.
    fn rotatable(&self, txn: &impl Read) -> Result<(Arc<AccessToken>, PersistentLogin), Error> {
        let token = self.caller.identify(txn, self.scene.now)?;
        let (login, is_enabled) = self.find(txn)?;
        permit(&token, &login.tenant)?;
        check_enabled(is_enabled, login.profile_id, &login.tenant)?;
        Ok((token, login))
    }

    /// The caller and the login, if there is one and the caller may delete it.
    fn deletable(
        &self,
        txn: &impl Read,
    ) -> Result<Option<(Arc<AccessToken>, PersistentLogin)>, Error> {
        let token = self.caller.identify(txn, self.scene.now)?;
        let Some(login) = self.find_valid(txn)? else {
            return Ok(None);
        };
        permit(&token, &login.tenant)?;
        Ok(Some((token, login)))
    }

    /// The login and whether its profile is enabled; a login whose profile is gone counts as gone with it.
    fn find(&self, txn: &impl Read) -> Result<(PersistentLogin, bool), Error> {
        let found = match self.find_valid(txn)? {
            Some(login) => match profile::bar(txn, login.profile_id)? {
                None => Some((login, true)),
                Some(Bar::Disabled) => Some((login, false)),
                Some(Bar::Gone) => None,
            },
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
        Ok(found.filter(|login| !login.is_expired(self.scene.now, self.scene.lifetime)))
    }
}

fn permit(token: &AccessToken, tenant: &TenantName) -> Result<(), Refusal> {
    access::permit(token, TenantAction::ManageTickets, tenant)
}

fn check_enabled(is_enabled: bool, id: ObjectId, tenant: &TenantName) -> Result<(), Refusal> {
    if is_enabled {
        return Ok(());
    }
    Err(Refusal::DisabledProfile {
        id: id.to_string(),
        tenant: tenant.as_str().to_owned(),
    })
}
