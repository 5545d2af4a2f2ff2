//! The routes of tenants.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, get_or_post, post};

/// The routes under `/api/1/tenant`. Names are text of the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantRoute {
    /// POST `create`
    Create,
    /// POST `update`
    Update,
    /// GET `count`
    Count,
    /// GET `all`
    ListAll,
    /// GET `{name}`
    Read(String),
    /// POST `{name}/delete`
    Delete(String),
    /// POST `{name}/verify_new_profiles`
    VerifyNewProfiles(String),
    /// POST `{name}/roles/add`
    AddRoles(String),
    /// POST `{name}/roles/remove`
    RemoveRoles(String),
    /// POST `{name}/attribute_definitions/add`
    AddDefinitions(String),
    /// POST `{name}/attribute_definitions/update`
    UpdateDefinitions(String),
    /// POST `{name}/attribute_definitions/remove`
    RemoveDefinitions(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<TenantRoute, RouteError> {
    let read = |name: &str| TenantRoute::Read(name.to_owned());
    let change =
        |name: &str, route: fn(String) -> TenantRoute| post(method, || route(name.to_owned()));
    match segments {
        ["create"] => get_or_post(method, || read("create"), || TenantRoute::Create),
        ["update"] => get_or_post(method, || read("update"), || TenantRoute::Update),
        ["count"] => get(method, || TenantRoute::Count),
        ["all"] => get(method, || TenantRoute::ListAll),
        [name] => get(method, || read(name)),
        [name, "delete"] => change(name, TenantRoute::Delete),
        [name, "verify_new_profiles"] => change(name, TenantRoute::VerifyNewProfiles),
        [name, "roles", "add"] => change(name, TenantRoute::AddRoles),
        [name, "roles", "remove"] => change(name, TenantRoute::RemoveRoles),
        [name, "attribute_definitions", "add"] => change(name, TenantRoute::AddDefinitions),
        [name, "attribute_definitions", "update"] => change(name, TenantRoute::UpdateDefinitions),
        [name, "attribute_definitions", "remove"] => change(name, TenantRoute::RemoveDefinitions),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &TenantRoute) -> &'static str {
    match route {
        TenantRoute::Create => "tenant/create",
        TenantRoute::Update => "tenant/update",
        TenantRoute::Count => "tenant/count",
        TenantRoute::ListAll => "tenant/all",
        TenantRoute::Read(_) => "tenant/read",
        TenantRoute::Delete(_) => "tenant/delete",
        TenantRoute::VerifyNewProfiles(_) => "tenant/verify_new_profiles",
        TenantRoute::AddRoles(_) => "tenant/roles/add",
        TenantRoute::RemoveRoles(_) => "tenant/roles/remove",
        TenantRoute::AddDefinitions(_) => "tenant/attribute_definitions/add",
        TenantRoute::UpdateDefinitions(_) => "tenant/attribute_definitions/update",
        TenantRoute::RemoveDefinitions(_) => "tenant/attribute_definitions/remove",
    }
}
