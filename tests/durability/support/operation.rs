//! Operations of clients and of the cleaner on logins: run on the services, and then on the model.

use rememberd::testing::{
    App, Device, Event, ExpectedOwner, ListedLogin, LoginError, LoginKey, PersistentLoginId,
    ProfileSelector, TenantName, Username,
    service::persistent_login::{self, RefreshOptions},
};

use crate::support::contract::{Model, Refreshed};
use crate::support::login::Login;
use crate::support::test_caller::TestCaller;

/// One operation with its parameters.
#[derive(Clone, Debug)]
pub enum Operation {
    Create(TestCaller, String, Device),
    /// With a tenant and a username, whose profile is created if there is none and this is true.
    CreateByUsername(TestCaller, TenantName, Username, bool, Device),
    Read(TestCaller, String),
    Refresh(TestCaller, String, RefreshOptions),
    Delete(TestCaller, String, Option<ExpectedOwner>),
    List(TestCaller, String, usize, usize),
    DeleteByProfile(TestCaller, String, Option<PersistentLoginId>),
    DeleteExpired,
    DeleteIdle(Option<LoginKey>),
}

/// The result of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Login(Result<Login, LoginError>),
    Done(Result<(), LoginError>),
    List(Result<Vec<ListedLogin>, LoginError>),
    Count(Result<usize, LoginError>),
    Position(Result<Option<LoginKey>, LoginError>),
}

impl Operation {
    pub async fn run(self, app: &App) -> Outcome {
        match self {
            Self::Create(who, profile_id, device) => {
                let caller = who.caller();
                let created = persistent_login::create(app, caller, profile_id, device).await;
                Outcome::Login(created.map(Login::from))
            }
            Self::CreateByUsername(who, tenant, username, creates_profile, device) => {
                let new = persistent_login::NewLogin {
                    profile: ProfileSelector::Username(tenant, username),
                    creates_profile,
                    device,
                    is_extended: false,
                };
                let created = persistent_login::create_new(app, who.caller(), new).await;
                Outcome::Login(created.map(|created| created.login.into()))
            }
            Self::Read(who, id) => {
                Outcome::Login(persistent_login::read(app, who.caller(), id).map(Login::from))
            }
            Self::Refresh(who, id, options) => {
                let caller = who.caller();
                let refreshed = persistent_login::refresh_with(app, caller, id, options).await;
                Outcome::Login(refreshed.map(|refreshed| refreshed.login.into()))
            }
            Self::Delete(who, id, expected) => {
                let expected = expected.map(Box::new);
                Outcome::Done(persistent_login::delete_of(app, who.caller(), id, expected).await)
            }
            Self::List(who, profile_id, start, count) => {
                let caller = who.caller();
                let list =
                    persistent_login::list_by_profile(app, caller, profile_id, start, count).await;
                Outcome::List(list)
            }
            Self::DeleteByProfile(who, profile_id, except) => {
                let caller = who.caller();
                let count =
                    persistent_login::delete_by_profile(app, caller, profile_id, except).await;
                Outcome::Count(count)
            }
            Self::DeleteExpired => Outcome::Count(
                persistent_login::delete_expired(app)
                    .await
                    .map_err(Into::into),
            ),
            Self::DeleteIdle(after) => Outcome::Position(
                persistent_login::delete_idle(app, after)
                    .await
                    .map_err(Into::into),
            ),
        }
    }
}

impl Model {
    /// Applies the operation to the model, and asserts that the services' result is the expected one.
    pub fn assert_result(&mut self, context: &str, operation: Operation, result: Outcome) {
        let expected = match (operation, result.clone()) {
            (Operation::Create(who, profile_id, device), Outcome::Login(result)) => {
                let expected = self.authorize_create(who, &profile_id);
                return self.assert_created(context, expected, device, result);
            }
            (
                Operation::CreateByUsername(who, tenant, username, creates_profile, device),
                Outcome::Login(result),
            ) => {
                let username = username.as_str();
                let expected =
                    self.authorize_create_by_username(who, &tenant, username, creates_profile);
                let expected = self.create_profile(&tenant, username, expected, &result);
                return self.assert_created(context, expected, device, result);
            }
            (Operation::Refresh(who, id, options), Outcome::Login(result)) => {
                let expected = self.refresh(who, &id, &options, result.is_ok());
                let is_rotated = matches!(expected, Ok(Refreshed::Rotated(..)));
                self.assert_refreshed(context, expected, result);
                if let Some(update) = options.device
                    && is_rotated
                {
                    self.update_device(&id, &update);
                }
                return;
            }
            (
                Operation::Create(..) | Operation::CreateByUsername(..) | Operation::Refresh(..),
                _,
            ) => {
                panic!("{context}: {result:?}");
            }
            (Operation::Read(who, id), _) => Outcome::Login(self.read(who, &id)),
            (Operation::Delete(who, id, expected), _) => {
                Outcome::Done(self.delete(who, &id, expected.as_ref()))
            }
            (Operation::List(who, profile_id, start, count), _) => {
                Outcome::List(self.list_by_profile(who, &profile_id, start, count))
            }
            (Operation::DeleteByProfile(who, profile_id, except), _) => {
                Outcome::Count(self.delete_by_profile(who, &profile_id, except))
            }
            (Operation::DeleteExpired, _) => Outcome::Count(Ok(self.delete_expired())),
            (Operation::DeleteIdle(after), _) => Outcome::Position(Ok(self.delete_idle(after))),
        };
        assert_eq!(result, expected, "{context}");
    }
}

/// Whether operations on logins can cause the event.
pub fn is_of_logins(event: &Event) -> bool {
    match event {
        Event::Create
        | Event::Rotation
        | Event::Grace
        | Event::Coalesced
        | Event::LateRetry
        | Event::NewerToken
        | Event::UnknownToken
        | Event::Shared
        | Event::Reuse
        | Event::Revocation(_)
        | Event::Expiry
        | Event::Delete
        | Event::CreateProfile => true,
        Event::CreateTicket
        | Event::InvalidateTicket
        | Event::SignIn
        | Event::FailedSignIn(_)
        | Event::Lockout
        | Event::UpdateProfile
        | Event::EnableProfile
        | Event::DisableProfile
        | Event::DeleteProfile
        | Event::ChangePassword
        | Event::VerifyProfile
        | Event::ResetPassword
        | Event::CreateVerificationToken
        | Event::DeleteVerificationToken
        | Event::UploadAttachment
        | Event::CreateTenant
        | Event::UpdateTenant
        | Event::DeleteTenant
        | Event::EndTenantLogins
        | Event::EndAllLogins
        | Event::RotateKey
        | Event::DropKey
        | Event::UnlockProfile
        | Event::CreateAccessToken
        | Event::DeleteAccessToken
        | Event::Import
        | Event::Export
        | Event::Backup => false,
    }
}
