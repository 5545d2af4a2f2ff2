//! The description as OpenAPI.

use hyper::Method;
use hyper::header::HeaderValue;

use crate::app::App;
use crate::http::description::CACHED;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::get;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};

/// The description.
const OPENAPI: &str = include_str!("openapi.json");

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The routes under `/openapi.json`, whose suffix may be left out as everywhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenApiRoute {
    /// GET
    Read,
}

impl ResourceRoute for OpenApiRoute {
    const IS_PUBLIC: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::Read),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "openapi"
    }

    async fn handle(self, _app: &App, _params: &Params) -> Result<Response, ApiError> {
        Ok(response::public(JSON, CACHED, OPENAPI))
    }
}
