//! The endpoints of access tokens: decode, one service call, encode.

pub mod route;

mod error;
mod input;
mod json;

use hyper::Method;

use crate::app::App;
use crate::http::access_token::route::AccessTokenRoute;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::access_token::create::create;
use crate::service::access_token::delete::delete;
use crate::service::access_token::list::list;
use crate::service::access_token::read::read;
use crate::service::caller::admit;

impl ResourceRoute for AccessTokenRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Delete(_))
    }

    fn takes_document(&self) -> bool {
        matches!(self, Self::Create)
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Create => {
                admit(app, &caller)?;
                let (id, token) = input::access_token(params)?;
                Ok(json::access_token(&create(app, caller, id, token).await?)?)
            }
            Self::Read(id) => Ok(json::access_token(&read(app, caller, id)?)?),
            Self::List => Ok(json::list(list(app, caller).await?)?),
            Self::Delete(id) => {
                delete(app, caller, id).await?;
                Ok(response::empty())
            }
        }
    }
}
