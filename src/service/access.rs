//! Who may do what: the checks of a caller on a profile and on a login, in the order of the wire contract
//! ("Permissions and order of checks").

use std::sync::Arc;

use crate::app::App;
use crate::clock::timeline::Timeline;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::key_ring::KeyRing;
use crate::domain::login_state::LoginState;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use crate::domain::profile::{ProfileStatus, Username};
use crate::domain::tenant::{Tenant, TenantName};
use crate::error::Failure;
use crate::service::caller::{AccessRefusal, Caller};
use crate::service::context::OpContext;
use crate::service::error::{Error, Refusal};
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::profile::{ExpectedOwner, ProfileRefusal, ProfileSelector};
use crate::service::ticket::refusal::TicketRefusal;
use crate::storage::transaction::Read;
use crate::tables::persistent_login::ended;
use crate::tables::profile::login_block::{self, LoginBlock};
use crate::tables::{persistent_login, profile, tenant};

/// What a check comes to.
type Checked<T> = Result<T, Error<PersistentLoginRefusal>>;

/// What a caller must be allowed on the tenant of a profile that it signs in, in this order.
const SIGN_IN: [TenantAction; 3] = [
    TenantAction::ManageProfiles,
    TenantAction::ReadTenant,
    TenantAction::ManageTickets,
];

/// The profile that a request selects; `None` if there is none.
type FoundProfile = Option<(ObjectId, ProfileStatus)>;

/// A request that concerns the logins of a profile.
pub(super) struct ProfileRequest {
    caller: Caller,
    selector: ProfileSelector,
    /// Whether the profile is to be created if there is none with its username.
    creates_profile: bool,
    pub(super) context: OpContext,
}

/// Whose login is created.
pub(super) enum LoginOwner {
    /// A profile that exists.
    Existing(ObjectId, ProfileStatus),
    /// One that is to be created in this tenant.
    New(Arc<Tenant>, Username),
}

impl ProfileRequest {
    pub(super) fn new(app: &App, caller: Caller, selector: ProfileSelector) -> Self {
        caller.note_use(app);
        Self {
            caller,
            selector,
            creates_profile: false,
            context: OpContext::as_system(app),
        }
    }

    /// The same request, but that the profile is to be created if there is none with its username.
    pub(super) fn creating_profile(self, creates_profile: bool) -> Self {
        Self {
            creates_profile,
            ..self
        }
    }

    /// The caller and the profile, if the caller may create a login of it.
    pub(super) fn authorize_create(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, LoginOwner)> {
        let (token, found) = self.authorize::<PersistentLoginRefusal>(txn, &SIGN_IN)?;
        let owner = match (found, &self.selector) {
            (Some((id, profile)), _) => {
                require_enabled(profile.enabled, id, &profile.tenant)?;
                LoginOwner::Existing(id, profile)
            }
            (None, ProfileSelector::Username(name, username)) if self.creates_profile => {
                let found = tenant::get(txn, name)?.ok_or_else(|| no_such_tenant(name))?;
                LoginOwner::New(found, username.clone())
            }
            (None, selector) => return Err(no_such_profile(selector).into()),
        };
        Ok((token, owner))
    }

    /// The caller and the profile, if the caller may create a ticket of it.
    pub(super) fn authorize_ticket(
        &self,
        txn: &impl Read,
    ) -> Result<(Arc<AccessToken>, ObjectId, ProfileStatus), Error<TicketRefusal>> {
        let (token, found) = self.authorize::<TicketRefusal>(txn, &SIGN_IN)?;
        let (id, profile) = found.ok_or_else(|| no_such_profile(&self.selector))?;
        require_enabled(profile.enabled, id, &profile.tenant)?;
        Ok((token, id, profile))
    }

    /// The caller and the profile, if the caller may list and end its logins.
    pub(super) fn authorize_manage(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, ObjectId, ProfileStatus)> {
        let (token, found) =
            self.authorize::<PersistentLoginRefusal>(txn, &[TenantAction::ManageTickets])?;
        let (id, profile) = found.ok_or_else(|| no_such_profile(&self.selector))?;
        Ok((token, id, profile))
    }

    /// The caller, and the profile if there is one, if the caller may do all of `actions` on its tenant. Where the
    /// request names the tenant, that is checked first, so that no refusal shows whether a username exists.
    fn authorize<R>(
        &self,
        txn: &impl Read,
        actions: &[TenantAction],
    ) -> Result<(Arc<AccessToken>, FoundProfile), Error<R>>
    where
        R: Refusal + From<AccessRefusal>,
    {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let require_all = |tenant: &TenantName| {
            let mut actions = actions.iter();
            actions.try_for_each(|action| require(&token, *action, tenant.as_str()))
        };
        let found = match &self.selector {
            ProfileSelector::Id(text) => {
                let found = match ObjectId::parse(text) {
                    Some(id) => profile::status(txn, id)?.map(|status| (id, status)),
                    None => None,
                };
                if let Some((_, profile)) = &found {
                    require_all(&profile.tenant)?;
                }
                found
            }
            ProfileSelector::Username(tenant, username) => {
                require_all(tenant)?;
                profile::status_by_username(txn, tenant, username.as_str())?
            }
        };
        Ok((token, found))
    }
}

fn no_such_profile(selector: &ProfileSelector) -> ProfileRefusal {
    match selector {
        ProfileSelector::Id(id) => ProfileRefusal::NotFound { id: id.clone() },
        ProfileSelector::Username(tenant, username) => ProfileRefusal::NoSuchUsername {
            tenant: tenant.as_str().to_owned(),
            username: username.as_str().to_owned(),
        },
    }
}

fn no_such_tenant(name: &TenantName) -> ProfileRefusal {
    ProfileRefusal::NoSuchTenant {
        name: name.as_str().to_owned(),
    }
}

/// A request that concerns an existing login.
pub(super) struct LoginRequest {
    caller: Caller,
    /// The id as the caller gave it.
    id_text: String,
    /// `None` if that is no id.
    id: Option<PersistentLoginId>,
    /// Whose login it must be, if the caller says so. Boxed because few callers do, and every request is moved.
    expected: Option<Box<ExpectedOwner>>,
    pub(super) context: OpContext,
    pub(super) keys: Arc<KeyRing>,
}

impl LoginRequest {
    /// # Errors
    ///
    /// As [`Keys::get`](crate::app::Keys::get).
    pub(super) fn new(app: &App, caller: Caller, id: String) -> Result<Self, Failure> {
        caller.note_use(app);
        Ok(Self {
            caller,
            id: PersistentLoginId::parse(&id),
            id_text: id,
            expected: None,
            context: OpContext::as_system(app),
            keys: Arc::clone(app.keys.get()?),
        })
    }

    /// The same request, but that the login of anybody else does not exist for it.
    pub(super) fn expecting(self, expected: Option<Box<ExpectedOwner>>) -> Self {
        Self { expected, ..self }
    }

    /// The login, if the caller may read it.
    pub(super) fn authorize_read(&self, txn: &impl Read) -> Checked<LoginState> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let (login, _) = self.find(txn)?;
        require(&token, TenantAction::ManageTickets, login.tenant.as_str())?;
        Ok(login)
    }

    /// The caller and the login, if the caller may rotate it.
    pub(super) fn authorize_rotate(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, LoginState)> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let (login, is_enabled) = self.find(txn)?;
        require(&token, TenantAction::ManageTickets, login.tenant.as_str())?;
        require_enabled(is_enabled, login.profile_id, &login.tenant)?;
        Ok((token, login))
    }

    /// The caller, and the login if there is one, if the caller may delete it. Where an owner is expected there must be
    /// one: else a login of somebody else, which is refused, could be told from none.
    pub(super) fn authorize_delete(
        &self,
        txn: &impl Read,
    ) -> Checked<(Arc<AccessToken>, Option<LoginState>)> {
        let token = self.caller.identify(txn, self.context.now.time())?;
        let login = self.find_valid(txn)?;
        match &login {
            Some(login) => require(&token, TenantAction::ManageTickets, login.tenant.as_str())?,
            None if self.expected.is_some() => return Err(self.not_found().into()),
            None => {}
        }
        Ok((token, login))
    }

    /// Whether what the caller gave as an id can be one.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// The login and whether its profile is enabled; a login whose profile is gone counts as gone with it.
    fn find(&self, txn: &impl Read) -> Checked<(LoginState, bool)> {
        let found = match self.find_valid(txn)? {
            Some(login) => match login_block::get(txn, login.profile_id)? {
                None => Some((login, true)),
                Some(LoginBlock::Disabled) => Some((login, false)),
                Some(LoginBlock::Gone) => None,
            },
            None => None,
        };
        found.ok_or_else(|| self.not_found().into())
    }

    fn not_found(&self) -> PersistentLoginRefusal {
        let id = self.id_text.clone();
        PersistentLoginRefusal::NotFound { id }
    }

    fn find_valid(&self, txn: &impl Read) -> Result<Option<LoginState>, Failure> {
        let Some(id) = self.id else {
            return Ok(None);
        };
        let Some(login) = persistent_login::get(txn, id)? else {
            return Ok(None);
        };
        let is_valid = !login.is_expired(&self.context.now, self.context.lifetime)
            && login.has_key(&self.keys)
            && !ended::has_ended(txn, &login)?
            && match &self.expected {
                Some(expected) => expected.is_of(txn, &login)?,
                None => true,
            };
        Ok(is_valid.then_some(login))
    }
}

/// The login with its current token.
///
/// # Errors
///
/// [`Failure::Corrupt`] if the token cannot be had, though the login has its key.
pub(super) fn issue(
    login: &LoginState,
    keys: &KeyRing,
    timeline: &Timeline,
) -> Result<PersistentLogin, Failure> {
    let unreadable = || Failure::Corrupt("an imported token cannot be unsealed".to_owned());
    login.issue(keys, timeline).ok_or_else(unreadable)
}

/// Refuses a caller whose access token does not allow `action` on the tenant with this name, whether it exists or not.
pub(super) fn require(
    token: &AccessToken,
    action: TenantAction,
    tenant: &str,
) -> Result<(), AccessRefusal> {
    if token.allows(action, tenant) {
        return Ok(());
    }
    Err(AccessRefusal::ActionDenied {
        action: action.name(),
        tenant: tenant.to_owned(),
    })
}

/// Refuses a caller whose access token does not allow `action` on all tenants.
pub(super) fn require_global(
    token: &AccessToken,
    action: TenantAction,
) -> Result<(), AccessRefusal> {
    if token.allows_globally(action) {
        return Ok(());
    }
    let action = action.name();
    Err(AccessRefusal::GlobalActionDenied { action })
}

/// Refuses a caller that may not read the profiles of `tenant`. It is the first check of whatever is asked of a profile
/// that exists, in the order of the wire contract ("Permissions and order of checks").
pub(super) fn require_profiles(token: &AccessToken, tenant: &str) -> Result<(), AccessRefusal> {
    require(token, TenantAction::ManageProfiles, tenant)?;
    require(token, TenantAction::ReadTenant, tenant)
}

/// Refuses a disabled profile.
pub(super) fn require_enabled(
    is_enabled: bool,
    id: ObjectId,
    tenant: &TenantName,
) -> Result<(), ProfileRefusal> {
    if is_enabled {
        return Ok(());
    }
    Err(ProfileRefusal::Disabled {
        id: id.to_string(),
        tenant: tenant.as_str().to_owned(),
    })
}
