//! The parameters that each endpoint of persistent logins knows.

use crate::http::known_params::{CONTRACT, KnownParams, Others};
use crate::http::persistent_login::route::PersistentLoginRoute;

/// What is ours and decides whose login it is, or whether it is rotated.
const ONCE: &[&str] = &["token", "tenantName", "username"];

/// An endpoint of the wire contract, which ignores what it does not know.
const fn contract(names: &'static [&'static str]) -> KnownParams {
    KnownParams {
        names,
        once: ONCE,
        others: Others::Ignored(CONTRACT),
    }
}

/// An endpoint of our own, for which any other parameter is a slip.
const fn own(names: &'static [&'static str]) -> KnownParams {
    KnownParams {
        names,
        once: ONCE,
        others: Others::Refused,
    }
}

const CREATE: KnownParams = contract(&[
    "accessTokenId",
    "profileId",
    "tenantName",
    "username",
    "createProfile",
    "label",
    "userAgent",
    "ipAddress",
    "extended",
]);

const READ: KnownParams = contract(&["accessTokenId", "extended"]);

const REFRESH: KnownParams = contract(&[
    "accessTokenId",
    "token",
    "profileId",
    "tenantName",
    "username",
    "userAgent",
    "ipAddress",
    "extended",
]);

const DELETE: KnownParams = contract(&["accessTokenId", "profileId", "tenantName", "username"]);

const LIST_BY_PROFILE: KnownParams = own(&[
    "accessTokenId",
    "profileId",
    "tenantName",
    "username",
    "start",
    "count",
]);

const DELETE_BY_PROFILE: KnownParams = own(&[
    "accessTokenId",
    "profileId",
    "tenantName",
    "username",
    "except",
]);

/// The parameters that the endpoint of a route knows.
pub const fn known(route: &PersistentLoginRoute) -> &'static KnownParams {
    match route {
        PersistentLoginRoute::Create => &CREATE,
        PersistentLoginRoute::Read(_) => &READ,
        PersistentLoginRoute::Refresh(_) => &REFRESH,
        PersistentLoginRoute::Delete(_) => &DELETE,
        PersistentLoginRoute::ListByProfile => &LIST_BY_PROFILE,
        PersistentLoginRoute::DeleteByProfile => &DELETE_BY_PROFILE,
    }
}
