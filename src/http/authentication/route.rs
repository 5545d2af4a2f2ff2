//! The route of signing in.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::post;

/// The routes under `/api/1/authentication/authenticate`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthenticationRoute {
    /// POST
    Authenticate,
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<AuthenticationRoute, RouteError> {
    match segments {
        [] => post(method, || AuthenticationRoute::Authenticate),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &AuthenticationRoute) -> &'static str {
    match route {
        AuthenticationRoute::Authenticate => "authentication/authenticate",
    }
}
