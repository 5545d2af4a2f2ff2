//! The routes of profiles.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::get;

/// The routes under `/api/1/profile`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRoute {
    /// GET `{id}`
    Read(String),
    /// GET `{id}/attributes`
    ReadAttributes(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<ProfileRoute, RouteError> {
    match segments {
        [id] => get(method, || ProfileRoute::Read((*id).to_owned())),
        [id, "attributes"] => get(method, || ProfileRoute::ReadAttributes((*id).to_owned())),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &ProfileRoute) -> &'static str {
    match route {
        ProfileRoute::Read(_) => "profile/read",
        ProfileRoute::ReadAttributes(_) => "profile/attributes",
    }
}
