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
    /// GET `by_username`
    ReadByUsername,
    /// GET `by_ids`
    ListByIds,
    /// GET `range`
    ListRange,
    /// GET `by_role`
    ListByRole,
    /// GET `by_existing_attribute`
    ListByExistingAttribute,
    /// GET `by_attribute_value`
    ListByAttributeValue,
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<ProfileRoute, RouteError> {
    match segments {
        ["by_username"] => get(method, || ProfileRoute::ReadByUsername),
        ["by_ids"] => get(method, || ProfileRoute::ListByIds),
        ["range"] => get(method, || ProfileRoute::ListRange),
        ["by_role"] => get(method, || ProfileRoute::ListByRole),
        ["by_existing_attribute"] => get(method, || ProfileRoute::ListByExistingAttribute),
        ["by_attribute_value"] => get(method, || ProfileRoute::ListByAttributeValue),
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
        ProfileRoute::ReadByUsername => "profile/by_username",
        ProfileRoute::ListByIds => "profile/by_ids",
        ProfileRoute::ListRange => "profile/range",
        ProfileRoute::ListByRole => "profile/by_role",
        ProfileRoute::ListByExistingAttribute => "profile/by_existing_attribute",
        ProfileRoute::ListByAttributeValue => "profile/by_attribute_value",
    }
}
