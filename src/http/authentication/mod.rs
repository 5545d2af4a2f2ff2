//! Signing in with a password: decode, one service call, encode.

pub mod route;

mod error;

use hyper::Method;

use crate::app::App;
use crate::domain::password::Password;
use crate::http::authentication::route::AuthenticationRoute;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::Response;
use crate::http::throttle;
use crate::http::ticket::json;
use crate::service::authentication::authenticate::{Credentials, authenticate};
use crate::service::authentication::refusal::AuthenticationRefusal;
use crate::service::caller::admit;
use crate::service::error::Error;

impl ResourceRoute for AuthenticationRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Authenticate => {
                admit(app, &caller)?;
                let credentials = Credentials {
                    tenant: params.required("tenantName")?.into_owned(),
                    username: params.required("username")?.into_owned(),
                    password: password(params)?,
                };
                let attempt = throttle::begin_sign_in(app, params.client())?;
                let signed_in = authenticate(app, caller, credentials).await;
                if !is_guess(&signed_in) {
                    attempt.give_back();
                }
                Ok(json::ticket(&signed_in?)?)
            }
        }
    }
}

/// Whether a sign-in failed in a way in which one fails that tries usernames and passwords.
fn is_guess<T>(signed_in: &Result<T, Error<AuthenticationRefusal>>) -> bool {
    match signed_in {
        Err(Error::Refused(refusal)) => match refusal {
            AuthenticationRefusal::BadCredentials
            | AuthenticationRefusal::Locked { .. }
            | AuthenticationRefusal::Profile(_) => true,
            AuthenticationRefusal::Access(_) => false,
        },
        Ok(_) | Err(Error::Failed(_)) => false,
    }
}

fn password(params: &Params) -> Result<Password, ApiError> {
    let text = params.required("password")?;
    Password::new(&*text).map_err(|too_long| ApiError::invalid("password", too_long.to_string()))
}
