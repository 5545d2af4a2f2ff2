//! The endpoints of tickets: decode, one service call, encode.

pub mod json;
pub mod route;

mod error;

use hyper::Method;

use crate::app::App;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::http::ticket::route::TicketRoute;
use crate::service::caller::admit;
use crate::service::ticket::create::create;
use crate::service::ticket::invalidate::invalidate;
use crate::service::ticket::read::read;

impl ResourceRoute for TicketRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Invalidate(_))
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Create => {
                admit(app, &caller)?;
                let profile_id = params.required("profileId")?.into_owned();
                Ok(json::ticket(&create(app, caller, profile_id).await?)?)
            }
            Self::Read(id) => Ok(json::ticket(&read(app, &caller, &id)?)?),
            Self::Invalidate(id) => {
                invalidate(app, caller, &id).await?;
                Ok(response::empty())
            }
        }
    }
}
