//! The metrics, in the text format of Prometheus: over the local socket, and elsewhere if that is set.

mod exposition;
mod families;

use hyper::Method;
use hyper::header::HeaderValue;

use crate::app::App;
use crate::error::Failure;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::get;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};

/// Version 0.0.4 of the format, which every version of Prometheus reads, and whoever else reads metrics.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain;version=0.0.4;charset=utf-8");

/// The routes under `/metrics`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetricsRoute {
    /// GET
    Read,
}

impl ResourceRoute for MetricsRoute {
    const IS_PUBLIC: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [] => get(method, || Self::Read),
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "metrics"
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        if !app.config.monitoring.metrics && !params.is_local() {
            return Err(RouteError::NoSuchPath.into());
        }
        let text = exposition::encode(families::of(app))
            .map_err(|error| Failure::Internal(format!("metrics cannot be written: {error}")))?;
        Ok(response::text(TEXT, text))
    }
}
