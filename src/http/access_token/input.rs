//! Decodes the access token that a request is to create.

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::domain::access_token::{ANY, AccessToken, AccessTokenId, TenantPermission};
use crate::http::body::field;
use crate::http::error::ApiError;
use crate::http::params::Params;

/// The wire contract's form of an access token ("JSON shapes").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccessTokenBody {
    #[serde(deserialize_with = "field::text")]
    application: String,
    #[serde(default, deserialize_with = "field::boolean")]
    master: bool,
    #[serde(default, deserialize_with = "field::list")]
    tenant_permissions: Vec<TenantPermissionBody>,
    #[serde(default, deserialize_with = "field::date")]
    expires_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "field::optional_text")]
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantPermissionBody {
    #[serde(default, deserialize_with = "field::texts")]
    allowed_actions: Vec<String>,
    #[serde(default, deserialize_with = "field::optional_text")]
    tenant: Option<String>,
}

/// The access token that a request is to create, and its id if it has one. A permission without a tenant is for any.
///
/// # Errors
///
/// As [`Params::json`]; [`ApiError::DocumentInvalid`] for an empty id, which nobody could use.
pub fn access_token(params: &Params) -> Result<(Option<AccessTokenId>, AccessToken), ApiError> {
    let body: AccessTokenBody = params.json()?;
    let id = match body.id {
        Some(id) => {
            let empty = || ApiError::document_invalid("id", "it is empty");
            Some(AccessTokenId::new(id).ok_or_else(empty)?)
        }
        None => None,
    };
    let permission = |permission: TenantPermissionBody| TenantPermission {
        allowed_actions: permission.allowed_actions,
        tenant: permission.tenant.unwrap_or_else(|| ANY.to_owned()),
    };
    let token = AccessToken {
        application: body.application,
        master: body.master,
        tenant_permissions: body
            .tenant_permissions
            .into_iter()
            .map(permission)
            .collect(),
        expires_on: body.expires_on,
        has_all_attributes: false,
    };
    Ok((id, token))
}
