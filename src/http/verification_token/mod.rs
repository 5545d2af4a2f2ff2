//! The endpoints of verification tokens: decode, one service call, encode.

pub mod route;

mod error;
mod json;

use hyper::Method;

use crate::app::App;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::http::verification_token::route::VerificationTokenRoute;
use crate::service::verification_token::create::create;
use crate::service::verification_token::delete::delete;
use crate::service::verification_token::read::read;

impl ResourceRoute for VerificationTokenRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Delete(_))
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Create(profile_id) => {
                let created = create(app, caller, profile_id).await?;
                Ok(json::verification_token(&created)?)
            }
            Self::Read(id) => Ok(json::verification_token(&read(app, &caller, id)?)?),
            Self::Delete(id) => {
                delete(app, caller, id).await?;
                Ok(response::empty())
            }
        }
    }
}
