//! The names of the routes under which requests are counted.

/// The names in the order in which they are looked for: those of what most requests are for come first. A request
/// without a route is `none`, the last one.
pub const ROUTES: [&str; ROUTE_COUNT] = [
    "persistent_login/refresh_token",
    "persistent_login/read",
    "profile/read",
    "ticket/create",
    "ticket/read",
    "persistent_login/create",
    "persistent_login/delete",
    "authentication/authenticate",
    "ticket/invalidate",
    "profile/by_ticket",
    "profile/by_username",
    "profile/by_query",
    "profile/attributes",
    "profile/update",
    "profile/attributes/update",
    "attachment/download",
    "persistent_login/by_profile",
    "persistent_login/delete_by_profile",
    "profile/create",
    "profile/delete",
    "profile/enable",
    "profile/disable",
    "profile/roles/add",
    "profile/roles/remove",
    "profile/attributes/remove",
    "profile/count",
    "profile/count_by_query",
    "profile/one_by_query",
    "profile/range",
    "profile/by_ids",
    "profile/by_role",
    "profile/by_existing_attribute",
    "profile/by_attribute_value",
    "profile/verify",
    "profile/change_password",
    "profile/reset_password",
    "verification_token/create",
    "verification_token/read",
    "verification_token/delete",
    "attachment/upload",
    "attachment/details",
    "attachment/list",
    "access_token/create",
    "access_token/read",
    "access_token/all",
    "access_token/delete",
    "tenant/create",
    "tenant/read",
    "tenant/update",
    "tenant/delete",
    "tenant/count",
    "tenant/all",
    "tenant/verify_new_profiles",
    "tenant/roles/add",
    "tenant/roles/remove",
    "tenant/attribute_definitions/add",
    "tenant/attribute_definitions/update",
    "tenant/attribute_definitions/remove",
    "health/live",
    "health/ready",
    "monitoring/status",
    "monitoring/memory",
    "monitoring/version",
    "metrics",
    "docs",
    "openapi",
    "options",
    "admin",
    "none",
];

const ROUTE_COUNT: usize = 69;

/// What the names of the routes of the local socket begin with, which are counted together: people use them.
const ADMIN: &str = "admin/";

/// The place of a route among them; one that is not there counts as `none`.
pub(super) fn index(route: &str) -> usize {
    let place = ROUTES.iter().position(|name| *name == route);
    place.unwrap_or_else(|| ROUTE_COUNT - if route.starts_with(ADMIN) { 2 } else { 1 })
}
