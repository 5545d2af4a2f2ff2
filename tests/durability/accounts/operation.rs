//! What is done to the services.

use std::fmt::Debug;

use rememberd::testing::{
    AccessTokenId, App, AttributeDefinition, AttributePermission, Caller, Device, Failure,
    GivenAttributes, NewProfile, Password, ProfileUpdate, ServiceError, TenantChange, TenantInput,
    TenantName, Username,
    service::{access_token, authentication, persistent_login, profile, tenant, ticket},
};
use serde_json::{Map, Value, json};

use crate::accounts::state::{ProfileState, TenantState, profile_state, tenant_state};
use crate::accounts::{ROOT, token_of};

/// Attributes with their values.
pub type Attributes = Vec<(&'static str, u32)>;

/// Definitions of attributes with their defaults.
pub type Definitions = Vec<(&'static str, Option<u32>)>;

/// An operation. Profiles, logins and tickets are named by their ids.
#[derive(Clone, Debug)]
pub enum Operation {
    CreateTenant(&'static str),
    DeleteTenant(&'static str),
    ChangeTenant(&'static str, Change),
    CreateProfile(Created),
    UpdateProfile(String, Update),
    SetEnabled(String, bool),
    AddRoles(String, Vec<&'static str>),
    RemoveRoles(String, Vec<&'static str>),
    SetAttributes(String, Attributes),
    RemoveAttributes(String, Vec<&'static str>),
    DeleteProfile(String),
    SignIn(&'static str, &'static str, u8),
    CreateTicket(String),
    ReadTicket(String),
    Invalidate(String),
    CreateLogin(String),
    Refresh(String),
    CreateToken(&'static str),
    DeleteToken(&'static str),
    /// Reads a profile with an access token.
    UseToken(&'static str, String),
    SaveRequests,
    RemoveExpired,
    CarryOutSweeps,
    RemoveEnded,
}

/// A change of a tenant.
#[derive(Clone, Debug)]
pub enum Change {
    AddRoles(Vec<&'static str>),
    RemoveRoles(Vec<&'static str>),
    AddDefinitions(Definitions),
    UpdateDefinitions(Definitions),
    RemoveDefinitions(Vec<&'static str>),
    Replace(Vec<&'static str>, Definitions),
}

/// A profile that is created.
#[derive(Clone, Debug)]
pub struct Created {
    pub tenant: &'static str,
    pub username: &'static str,
    pub email: u32,
    pub password: Option<u8>,
    pub is_enabled: bool,
    pub roles: Vec<&'static str>,
    pub attributes: Attributes,
}

/// What is changed of a profile.
#[derive(Clone, Default, Debug)]
pub struct Update {
    pub username: Option<&'static str>,
    pub email: Option<u32>,
    pub password: Option<u8>,
    pub is_enabled: Option<bool>,
    pub roles: Option<Vec<&'static str>>,
    pub attributes: Attributes,
}

/// What an operation returns: the name of the refusal, if it is refused.
pub type Answer = Result<Success, String>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Success {
    Done,
    Tenant(TenantState),
    Profile(ProfileState),
    /// The id of what was created.
    Id(String),
    /// The id of a login and its token.
    Login(String, String),
    /// The time of a ticket's last request.
    Time(i64),
}

impl Operation {
    /// # Errors
    ///
    /// If it failed: whether it was carried out is not known.
    pub async fn run(self, app: &App) -> Result<Answer, Failure> {
        match self {
            Self::CreateTenant(name) => {
                let created = tenant::create(app, root(), input(name, &[], &[])).await;
                answer(created, |created| Success::Tenant(tenant_state(&created)))
            }
            Self::DeleteTenant(name) => {
                answer(tenant::delete(app, root(), name.to_owned()).await, done)
            }
            Self::ChangeTenant(name, change) => {
                let change = change.requested(name);
                let changed = tenant::update(app, root(), name.to_owned(), change).await;
                answer(changed, |changed| Success::Tenant(tenant_state(&changed)))
            }
            Self::CreateProfile(created) => {
                let created = profile::create(app, root(), created.requested()).await;
                answer(created, shown)
            }
            Self::UpdateProfile(id, update) => answer(
                profile::update(app, root(), id, update.requested()).await,
                shown,
            ),
            Self::SetEnabled(id, is_enabled) => answer(
                profile::set_enabled(app, root(), id, is_enabled).await,
                shown,
            ),
            Self::AddRoles(id, roles) => answer(
                profile::add_roles(app, root(), id, texts(&roles)).await,
                shown,
            ),
            Self::RemoveRoles(id, roles) => answer(
                profile::remove_roles(app, root(), id, texts(&roles)).await,
                shown,
            ),
            Self::SetAttributes(id, attributes) => answer(
                profile::update_attributes(app, root(), id, given(&attributes)).await,
                shown,
            ),
            Self::RemoveAttributes(id, names) => answer(
                profile::remove_attributes(app, root(), id, texts(&names)).await,
                shown,
            ),
            Self::DeleteProfile(id) => answer(profile::delete(app, root(), id).await, done),
            Self::SignIn(tenant, username, secret) => {
                let credentials = authentication::Credentials {
                    tenant: tenant.to_owned(),
                    username: username.to_owned(),
                    password: password(secret),
                };
                let signed_in = authentication::authenticate(app, root(), credentials).await;
                answer(signed_in, |ticket| {
                    Success::Id(ticket.id.reveal().to_string())
                })
            }
            Self::CreateTicket(profile) => {
                let created = ticket::create(app, root(), profile).await;
                answer(created, |ticket| {
                    Success::Id(ticket.id.reveal().to_string())
                })
            }
            Self::ReadTicket(id) => answer(ticket::read(app, &root(), &id), |ticket| {
                Success::Time(ticket.last_request.as_millis())
            }),
            Self::Invalidate(id) => answer(ticket::invalidate(app, root(), &id).await, done),
            Self::CreateLogin(profile) => {
                let device = Device::default();
                let created = persistent_login::create(app, root(), profile, device).await;
                answer(created, |login| {
                    Success::Login(login.id.to_string(), login.token.reveal().to_string())
                })
            }
            Self::Refresh(id) => {
                let refreshed = persistent_login::refresh(app, root(), id, None).await;
                answer(refreshed, |refreshed| {
                    let login = refreshed.login;
                    Success::Login(login.id.to_string(), login.token.reveal().to_string())
                })
            }
            Self::CreateToken(name) => {
                let id = AccessTokenId::new(name);
                let created = access_token::create(app, root(), id, token_of(name)).await;
                answer(created, |_| Success::Done)
            }
            Self::DeleteToken(name) => answer(
                access_token::delete(app, root(), name.to_owned()).await,
                done,
            ),
            Self::UseToken(name, profile) => {
                let caller = Caller::new(Some(name.to_owned()));
                answer(profile::read(app, caller, profile), shown)
            }
            Self::SaveRequests => ticket::save_requests(app).await.map(|()| Ok(Success::Done)),
            Self::RemoveExpired => {
                ticket::delete_expired(app).await?;
                Ok(Ok(Success::Done))
            }
            Self::CarryOutSweeps => {
                tenant::carry_out_sweeps(app).await?;
                Ok(Ok(Success::Done))
            }
            Self::RemoveEnded => {
                remove_ended(app).await?;
                Ok(Ok(Success::Done))
            }
        }
    }
}

async fn remove_ended(app: &App) -> Result<(), Failure> {
    tenant::remove_ended(app).await?;
    for profile in persistent_login::ended_profiles(app)? {
        persistent_login::remove_ended(app, profile).await?;
    }
    for profile in ticket::ended_profiles(app)? {
        ticket::remove_ended(app, profile).await?;
    }
    Ok(())
}

impl Change {
    fn requested(self, name: &str) -> TenantChange {
        match self {
            Self::AddRoles(roles) => TenantChange::AddRoles(texts(&roles)),
            Self::RemoveRoles(roles) => TenantChange::RemoveRoles(texts(&roles)),
            Self::AddDefinitions(added) => TenantChange::AddDefinitions(definitions(&added)),
            Self::UpdateDefinitions(changed) => {
                TenantChange::UpdateDefinitions(definitions(&changed))
            }
            Self::RemoveDefinitions(names) => TenantChange::RemoveDefinitions(texts(&names)),
            Self::Replace(roles, definitions) => {
                TenantChange::Replace(Box::new(input(name, &roles, &definitions)))
            }
        }
    }
}

impl Created {
    fn requested(self) -> NewProfile {
        NewProfile {
            tenant: TenantName::new(self.tenant).expect("it is not empty"),
            username: Username::new(self.username).expect("it is short"),
            email: email(self.email),
            password: self.password.map(password),
            is_enabled: self.is_enabled,
            roles: Some(texts(&self.roles)),
            attributes: given(&self.attributes),
            verification_url: None,
        }
    }
}

impl Update {
    fn requested(self) -> ProfileUpdate {
        let username = self.username.map(Username::new);
        ProfileUpdate {
            username: username.map(|username| username.expect("it is short")),
            password: self.password.map(password),
            email: self.email.map(email),
            is_enabled: self.is_enabled,
            roles: self.roles.as_deref().map(texts),
            attributes: given(&self.attributes),
        }
    }
}

/// The mail address with this number.
pub fn email(number: u32) -> String {
    format!("{number}@example.com")
}

pub fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Who may do everything.
pub fn root() -> Caller {
    Caller::new(Some(ROOT.to_owned()))
}

fn password(number: u8) -> Password {
    Password::new(format!("password {number}")).expect("it is short")
}

fn given(attributes: &[(&str, u32)]) -> GivenAttributes {
    let attributes: Map<String, Value> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    GivenAttributes::parse(&Value::from(attributes).to_string()).expect("it is an object")
}

fn input(name: &str, roles: &[&str], defined: &[(&'static str, Option<u32>)]) -> TenantInput {
    TenantInput {
        name: TenantName::new(name).expect("it is not empty"),
        verify_new_profiles: false,
        available_roles: texts(roles),
        sso_enabled: false,
        attribute_definitions: definitions(defined),
        cleanse_attributes: true,
    }
}

fn definitions(defined: &[(&'static str, Option<u32>)]) -> Vec<AttributeDefinition> {
    let definition = |(name, default): &(&str, Option<u32>)| AttributeDefinition {
        permissions: vec![AttributePermission {
            allowed_actions: vec!["*".to_owned()],
            application: "*".to_owned(),
        }],
        name: (*name).to_owned(),
        metadata: None,
        default_value: default.map(|value| json!(value)),
    };
    defined.iter().map(definition).collect()
}

fn done((): ()) -> Success {
    Success::Done
}

fn shown(profile: rememberd::testing::Profile) -> Success {
    Success::Profile(profile_state(&profile))
}

fn answer<T, R: Debug>(
    result: Result<T, ServiceError<R>>,
    success: impl FnOnce(T) -> Success,
) -> Result<Answer, Failure> {
    match result {
        Ok(value) => Ok(Ok(success(value))),
        Err(ServiceError::Refused(refusal)) => Ok(Err(name_of(&refusal))),
        Err(ServiceError::Failed(failure)) => Err(failure),
    }
}

/// The name of the innermost variant of a refusal.
fn name_of(refusal: &impl Debug) -> String {
    let text = format!("{refusal:?}");
    let variants = text.split([' ', ')']).next().unwrap_or_default();
    variants.rsplit('(').next().unwrap_or_default().to_owned()
}
