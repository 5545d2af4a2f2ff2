//! What the router requires of a resource.

use hyper::Method;
use hyper::header::HeaderMap;

use crate::app::{App, Phase};
use crate::error::Failure;
use crate::http::accept;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::response::Response;

/// The routes of one resource.
pub trait ResourceRoute: Sized {
    /// The route of a request with this method and these path segments below the resource's prefix.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError>;

    /// The route's name in the log.
    fn name(&self) -> &'static str;

    /// Checks what the wire contract requires of every request, before its body is received.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotAcceptable`]; [`Failure::Unavailable`] while the server is starting.
    fn admit(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
        if !accept::accepts_json(headers) {
            return Err(ApiError::NotAcceptable);
        }
        if app.phase() == Phase::Starting {
            return Err(Failure::Unavailable.into());
        }
        Ok(())
    }

    /// Returns the response to a request that has been received.
    ///
    /// # Errors
    ///
    /// What the service refuses or fails with; a missing or an invalid parameter.
    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError>;
}
