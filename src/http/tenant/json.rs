//! The JSON of tenants.

use std::sync::Arc;
use std::vec;

use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant};
use crate::error::Failure;
use crate::http::response::{self, Response};
use crate::http::response_body::Pieces;

/// From how many bytes on a piece of a list is sent.
const PIECE_BYTES: usize = 16 << 10;

/// The wire contract's form of a tenant, in its field order ("JSON shapes").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantBody<'t> {
    name: &'t str,
    verify_new_profiles: bool,
    available_roles: &'t [String],
    sso_enabled: bool,
    attribute_definitions: Vec<DefinitionBody<'t>>,
    cleanse_attributes: bool,
    id: &'t str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionBody<'t> {
    permissions: Vec<PermissionBody<'t>>,
    name: &'t str,
    metadata: Option<&'t Map<String, Value>>,
    default_value: Option<&'t Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionBody<'t> {
    allowed_actions: &'t [String],
    application: &'t str,
}

/// A response with one tenant.
///
/// # Errors
///
/// As [`response::json`].
pub fn tenant(tenant: &Tenant) -> Result<Response, Failure> {
    response::json(&body(tenant, &mut [0; 24]))
}

/// A response with a list of tenants, which is sent in pieces.
pub fn list(tenants: Vec<Arc<Tenant>>) -> Response {
    response::in_pieces(ListPieces {
        tenants: Some(tenants.into_iter()),
        has_begun: false,
    })
}

fn body<'t>(tenant: &'t Tenant, digits: &'t mut [u8; 24]) -> TenantBody<'t> {
    TenantBody {
        name: tenant.name.as_str(),
        verify_new_profiles: tenant.verify_new_profiles,
        available_roles: &tenant.available_roles,
        sso_enabled: tenant.sso_enabled,
        attribute_definitions: tenant
            .attribute_definitions
            .iter()
            .map(definition)
            .collect(),
        cleanse_attributes: tenant.cleanse_attributes,
        id: tenant.id.encode(digits),
    }
}

fn definition(definition: &AttributeDefinition) -> DefinitionBody<'_> {
    DefinitionBody {
        permissions: definition.permissions.iter().map(permission).collect(),
        name: &definition.name,
        metadata: definition.metadata.as_ref(),
        default_value: definition.default_value.as_ref(),
    }
}

fn permission(permission: &AttributePermission) -> PermissionBody<'_> {
    PermissionBody {
        allowed_actions: &permission.allowed_actions,
        application: &permission.application,
    }
}

/// The JSON of a list, as far as it was not encoded yet. The tenants are those that are kept in memory anyway.
struct ListPieces {
    /// `None` once the end was encoded.
    tenants: Option<vec::IntoIter<Arc<Tenant>>>,
    has_begun: bool,
}

impl Pieces for ListPieces {
    fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(tenants) = &mut self.tenants else {
            return Ok(None);
        };
        let mut json = Vec::new();
        while json.len() < PIECE_BYTES {
            let Some(tenant) = tenants.next() else {
                json.extend_from_slice(if self.has_begun { b"]" } else { b"[]" });
                self.tenants = None;
                break;
            };
            json.push(if self.has_begun { b',' } else { b'[' });
            self.has_begun = true;
            response::write_json(&mut json, &body(&tenant, &mut [0; 24]))?;
        }
        Ok(Some(json.into()))
    }
}
