//! What the router requires of a resource.

use hyper::Method;

use crate::app::App;
use crate::http::error::{ApiError, RouteError};
use crate::http::params::Params;
use crate::http::response::Response;

/// The routes of one resource.
pub trait ResourceRoute: Sized {
    /// Whether requests are answered without an access token, and in every phase.
    const IS_PUBLIC: bool = false;

    /// Whether requests are answered whatever they accept.
    const IGNORES_ACCEPT: bool = Self::IS_PUBLIC;

    /// Whether they are served over the local socket alone.
    const IS_LOCAL: bool = false;

    /// The route of a request with this method and these path segments below the resource's prefix.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError>;

    /// The route's name in the log.
    fn name(&self) -> &'static str;

    /// Whether the answer is JSON unless it is an error. What a request accepts is looked at only then: an empty answer
    /// has no type, and that of a file is known once it is read.
    fn is_answer_json(&self) -> bool {
        true
    }

    /// Whether the body must be a JSON document, and not parameters.
    fn takes_document(&self) -> bool {
        false
    }

    /// Returns the response to a request that has been received.
    ///
    /// # Errors
    ///
    /// What the service refuses or fails with; a missing or an invalid parameter.
    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError>;
}
