//! The endpoints of persistent logins: decode, one service call, encode.

pub mod route;

mod error;
mod input;
mod json;
mod parameters;

use hyper::Method;

use crate::app::App;
use crate::domain::persistent_login::{PersistentLoginId, Token};
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::persistent_login::route::PersistentLoginRoute;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::caller::{Caller, admit};
use crate::service::persistent_login::create::{NewLogin, create};
use crate::service::persistent_login::delete::{delete, delete_by_profile};
use crate::service::persistent_login::list::list_by_profile;
use crate::service::persistent_login::read::read;
use crate::service::persistent_login::refresh::{RefreshOptions, refresh};

/// The number of logins in a list if the request does not have a `count`.
const LIST_COUNT_DEFAULT: usize = 100;

/// The highest `count` of a request for a list.
const LIST_COUNT_MAX: usize = 1_000;

impl ResourceRoute for PersistentLoginRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Delete(_))
    }

    /// Parameters that concern more than the caller are read after the caller has been admitted: an unknown
    /// caller is refused as such, whatever else its request lacks.
    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        if let Err(unknown) = parameters::known(&self).check(params) {
            admit(app, &caller)?;
            return Err(unknown);
        }
        match self {
            Self::Create => {
                admit(app, &caller)?;
                let profile = input::profile(params)?;
                let new = NewLogin {
                    creates_profile: input::creates_profile(params, &profile)?,
                    profile,
                    device: input::device(params),
                    is_extended: params.boolean("extended")?.unwrap_or(false),
                };
                Ok(json::login(&create(app, caller, new).await?)?)
            }
            Self::Read(id) => {
                let is_extended = is_extended(app, &caller, params)?;
                Ok(json::login(&read(app, caller, id, is_extended)?)?)
            }
            Self::Refresh(id) => {
                let options = RefreshOptions {
                    presented: presented_token(app, &caller, params)?,
                    expected: input::expected_owner(params),
                    device: input::device_shown(params),
                    is_extended: is_extended(app, &caller, params)?,
                };
                let refreshed = refresh(app, caller, id, options).await?;
                Ok(json::refreshed(&refreshed)?)
            }
            Self::Delete(id) => {
                delete(app, caller, id, input::expected_owner(params)).await?;
                Ok(response::empty())
            }
            Self::ListByProfile => {
                admit(app, &caller)?;
                let profile = input::profile(params)?;
                let start = params.number("start", usize::MAX)?.unwrap_or(0);
                let count = params.number("count", LIST_COUNT_MAX)?;
                let count = count.unwrap_or(LIST_COUNT_DEFAULT);
                let logins = list_by_profile(app, caller, profile, start, count).await?;
                Ok(json::list(logins)?)
            }
            Self::DeleteByProfile => {
                admit(app, &caller)?;
                let profile = input::profile(params)?;
                let except = params.text("except");
                let except = except
                    .map(|id| PersistentLoginId::parse(&id).ok_or_else(|| not_a_uuid("except")))
                    .transpose()?;
                let count = delete_by_profile(app, caller, profile, except).await?;
                Ok(json::deleted(count)?)
            }
        }
    }
}

/// Whether the response is to be extended. An invalid caller is refused before an invalid value.
fn is_extended(app: &App, caller: &Caller, params: &Params) -> Result<bool, ApiError> {
    match params.boolean("extended") {
        Ok(is_extended) => Ok(is_extended.unwrap_or(false)),
        Err(invalid) => {
            admit(app, caller)?;
            Err(invalid)
        }
    }
}

/// The token that the caller presents to be compared with the current one, if any.
fn presented_token(app: &App, caller: &Caller, params: &Params) -> Result<Option<Token>, ApiError> {
    let text = params.first("token");
    if text.is_none() && !app.config.requests.require_token {
        return Ok(None);
    }
    admit(app, caller)?;
    let token = Token::parse(&params.required("token")?).ok_or_else(|| not_a_uuid("token"))?;
    Ok(Some(token))
}

fn not_a_uuid(name: &'static str) -> ApiError {
    ApiError::invalid(name, "is not a UUID")
}
