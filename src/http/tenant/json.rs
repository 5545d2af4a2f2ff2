//! The JSON of tenants.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant};
use crate::error::Failure;
use crate::http::json_list;
use crate::http::response::{self, Response};

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

/// A response with a list of tenants. A long one is sent in pieces.
///
/// # Errors
///
/// As [`response::json`].
pub fn list(tenants: Vec<Arc<Tenant>>) -> Result<Response, Failure> {
    json_list::response(tenants.into_iter(), |json, tenant| {
        response::write_json(json, &body(tenant, &mut [0; 24]))
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
