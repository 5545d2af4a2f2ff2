//! The endpoints of attachments: decode, one service call, encode.

pub mod route;
pub mod upload;

mod download;
mod error;
mod form;
mod json;
mod place;

use hyper::Method;

use crate::app::App;
use crate::http::attachment::route::AttachmentRoute;
use crate::http::caller::caller;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::Response;
use crate::service::attachment::details::details;
use crate::service::attachment::download::open;
use crate::service::attachment::list::list;

impl ResourceRoute for AttachmentRoute {
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        route::parse(method, segments)
    }

    fn name(&self) -> &'static str {
        route::name(self)
    }

    fn is_answer_json(&self) -> bool {
        !matches!(self, Self::Download(..))
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let caller = caller(&app.config.requests, params)?;
        match self {
            Self::Upload(profile_id) => upload::refuse_without_form(app, caller, profile_id),
            Self::Download(profile_id, name) => {
                let (attachment, content) = open(app, caller, profile_id, name)?;
                Ok(download::response(&attachment, content))
            }
            Self::Details(profile_id, name) => {
                let attachment = details(app, caller, profile_id, name)?;
                Ok(json::attachment(&attachment)?)
            }
            Self::List(profile_id) => {
                let attachments = list(app, caller, profile_id.clone())?;
                let other = params.text("profileId").filter(|id| !id.is_empty());
                if other.is_some_and(|other| other != profile_id) {
                    let problem = "is another one than that of the path";
                    return Err(ApiError::invalid("profileId", problem));
                }
                Ok(json::list(attachments)?)
            }
        }
    }
}
