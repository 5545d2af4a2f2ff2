//! The routes of profiles.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, get_or_post, post};

/// The routes under `/api/1/profile`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRoute {
    /// GET `{id}`
    Read(String),
    /// GET `{id}/attributes`
    ReadAttributes(String),
    /// GET `by_username`
    ReadByUsername,
    /// GET `by_ticket`
    ReadByTicket,
    /// GET `count`
    Count,
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
    /// GET `one_by_query`
    OneByQuery,
    /// GET `by_query`
    ListByQuery,
    /// GET `count_by_query`
    CountByQuery,
    /// POST `create`
    Create,
    /// POST `{id}/update`
    Update(String),
    /// POST `{id}/enable`
    Enable(String),
    /// POST `{id}/disable`
    Disable(String),
    /// POST `{id}/roles/add`
    AddRoles(String),
    /// POST `{id}/roles/remove`
    RemoveRoles(String),
    /// POST `{id}/attributes/update`
    UpdateAttributes(String),
    /// POST `{id}/attributes/remove`
    RemoveAttributes(String),
    /// POST `verify`
    Verify,
    /// POST `change_password`
    ChangePassword,
    /// POST `{id}/reset_password`
    ResetPassword(String),
    /// POST `{id}/delete`
    Delete(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<ProfileRoute, RouteError> {
    let post_to =
        |route: fn(String) -> ProfileRoute, id: &str| post(method, || route(id.to_owned()));
    match segments {
        ["by_username"] => get(method, || ProfileRoute::ReadByUsername),
        ["by_ticket"] => get(method, || ProfileRoute::ReadByTicket),
        ["count"] => get(method, || ProfileRoute::Count),
        ["by_ids"] => get(method, || ProfileRoute::ListByIds),
        ["range"] => get(method, || ProfileRoute::ListRange),
        ["by_role"] => get(method, || ProfileRoute::ListByRole),
        ["by_existing_attribute"] => get(method, || ProfileRoute::ListByExistingAttribute),
        ["by_attribute_value"] => get(method, || ProfileRoute::ListByAttributeValue),
        ["one_by_query"] => get(method, || ProfileRoute::OneByQuery),
        ["by_query"] => get(method, || ProfileRoute::ListByQuery),
        ["count_by_query"] => get(method, || ProfileRoute::CountByQuery),
        // With GET, it is an id.
        ["create"] => get_or_post(
            method,
            || ProfileRoute::Read("create".to_owned()),
            || ProfileRoute::Create,
        ),
        ["verify"] => get_or_post(
            method,
            || ProfileRoute::Read("verify".to_owned()),
            || ProfileRoute::Verify,
        ),
        ["change_password"] => get_or_post(
            method,
            || ProfileRoute::Read("change_password".to_owned()),
            || ProfileRoute::ChangePassword,
        ),
        [id] => get(method, || ProfileRoute::Read((*id).to_owned())),
        [id, "attributes"] => get(method, || ProfileRoute::ReadAttributes((*id).to_owned())),
        [id, "update"] => post_to(ProfileRoute::Update, id),
        [id, "enable"] => post_to(ProfileRoute::Enable, id),
        [id, "disable"] => post_to(ProfileRoute::Disable, id),
        [id, "roles", "add"] => post_to(ProfileRoute::AddRoles, id),
        [id, "roles", "remove"] => post_to(ProfileRoute::RemoveRoles, id),
        [id, "attributes", "update"] => post_to(ProfileRoute::UpdateAttributes, id),
        [id, "attributes", "remove"] => post_to(ProfileRoute::RemoveAttributes, id),
        [id, "reset_password"] => post_to(ProfileRoute::ResetPassword, id),
        [id, "delete"] => post_to(ProfileRoute::Delete, id),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &ProfileRoute) -> &'static str {
    match route {
        ProfileRoute::Read(_) => "profile/read",
        ProfileRoute::ReadAttributes(_) => "profile/attributes",
        ProfileRoute::ReadByUsername => "profile/by_username",
        ProfileRoute::ReadByTicket => "profile/by_ticket",
        ProfileRoute::Count => "profile/count",
        ProfileRoute::ListByIds => "profile/by_ids",
        ProfileRoute::ListRange => "profile/range",
        ProfileRoute::ListByRole => "profile/by_role",
        ProfileRoute::ListByExistingAttribute => "profile/by_existing_attribute",
        ProfileRoute::ListByAttributeValue => "profile/by_attribute_value",
        ProfileRoute::OneByQuery => "profile/one_by_query",
        ProfileRoute::ListByQuery => "profile/by_query",
        ProfileRoute::CountByQuery => "profile/count_by_query",
        ProfileRoute::Create => "profile/create",
        ProfileRoute::Update(_) => "profile/update",
        ProfileRoute::Enable(_) => "profile/enable",
        ProfileRoute::Disable(_) => "profile/disable",
        ProfileRoute::AddRoles(_) => "profile/roles/add",
        ProfileRoute::RemoveRoles(_) => "profile/roles/remove",
        ProfileRoute::UpdateAttributes(_) => "profile/attributes/update",
        ProfileRoute::RemoveAttributes(_) => "profile/attributes/remove",
        ProfileRoute::Verify => "profile/verify",
        ProfileRoute::ChangePassword => "profile/change_password",
        ProfileRoute::ResetPassword(_) => "profile/reset_password",
        ProfileRoute::Delete(_) => "profile/delete",
    }
}
