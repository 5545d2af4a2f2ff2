//! The parameters that each endpoint of persistent logins knows.

use crate::http::known_params::{KnownParams, Others};
use crate::http::persistent_login::route::PersistentLoginRoute;

/// The parameters of the wire contract's endpoints: they are ignored where they are of no use, also where they are
/// nearly one of ours.
const CONTRACT: &[&str] = &[
    "accessTokenId",
    "attributeName",
    "attributeToReturn",
    "attributeValue",
    "attributes",
    "count",
    "email",
    "enabled",
    "existingAttributeName",
    "filename",
    "id",
    "newPassword",
    "password",
    "profileId",
    "query",
    "resetPasswordUrl",
    "role",
    "selector",
    "sortBy",
    "sortOrder",
    "start",
    "tenantName",
    "ticketId",
    "tokenId",
    "username",
    "verificationUrl",
    "verify",
];

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
