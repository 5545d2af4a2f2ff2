//! The JSON of access tokens.

use serde::Serialize;

use crate::domain::access_token::{AccessTokenId, TenantPermission};
use crate::error::Failure;
use crate::http::json_list;
use crate::http::response::{self, Response};
use crate::service::access_token::IssuedToken;
use crate::service::access_token::list::RestOfTokens;
use crate::service::lazy_list::LazyList;

/// A response with one access token.
///
/// # Errors
///
/// As [`response::json`].
pub fn access_token(issued: &IssuedToken) -> Result<Response, Failure> {
    response::json(&AccessTokenBody::new(issued))
}

/// A response with a list of access tokens. A long one is sent in pieces.
///
/// # Errors
///
/// As [`response::json`]; failures of the storage.
pub fn list(tokens: LazyList<RestOfTokens>) -> Result<Response, Failure> {
    json_list::response(tokens, |json, issued| {
        response::write_json(json, &AccessTokenBody::new(issued))
    })
}

/// The wire contract's form of an access token, in its field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessTokenBody<'a> {
    application: &'a str,
    master: bool,
    tenant_permissions: Vec<TenantPermissionBody<'a>>,
    expires_on: Option<i64>,
    id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantPermissionBody<'a> {
    allowed_actions: &'a [String],
    tenant: &'a str,
}

impl<'a> AccessTokenBody<'a> {
    fn new(issued: &'a IssuedToken) -> Self {
        let token = &issued.token;
        let permission = |permission: &'a TenantPermission| TenantPermissionBody {
            allowed_actions: &permission.allowed_actions,
            tenant: &permission.tenant,
        };
        Self {
            application: &token.application,
            master: token.master,
            tenant_permissions: token.tenant_permissions.iter().map(permission).collect(),
            expires_on: token.expires_on.map(|expiry| expiry.as_millis()),
            id: issued.id.as_ref().map(AccessTokenId::reveal),
        }
    }
}
