//! The JSON of access tokens.

use serde::Serialize;

use crate::domain::access_token::{AccessTokenId, TenantPermission};
use crate::error::Failure;
use crate::http::json_list::{self, ListSource};
use crate::http::response::{self, Response};
use crate::service::access_token::IssuedToken;
use crate::service::access_token::list::TokenList;

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
pub fn list(tokens: TokenList) -> Result<Response, Failure> {
    json_list::response(tokens)
}

impl ListSource for TokenList {
    type Item = IssuedToken;

    fn is_complete(&self) -> bool {
        self.is_complete()
    }

    fn take_some(&mut self) -> Result<Vec<IssuedToken>, Failure> {
        self.take_some()
    }

    fn encode(json: &mut Vec<u8>, issued: &IssuedToken) -> Result<(), Failure> {
        response::write_json(json, &AccessTokenBody::new(issued))
    }
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
