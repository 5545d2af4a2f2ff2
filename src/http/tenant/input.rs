//! Decodes the JSON documents of requests for tenants.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::domain::access_token::ANY;
use crate::domain::tenant::change::TenantInput;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, NAME_BYTES_MAX, TenantName};
use crate::http::body::field;
use crate::http::error::ApiError;
use crate::http::params::Params;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantDocument {
    #[serde(default, deserialize_with = "field::optional_text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "field::boolean")]
    verify_new_profiles: bool,
    #[serde(default, deserialize_with = "field::texts")]
    available_roles: Vec<String>,
    #[serde(default, deserialize_with = "field::boolean")]
    sso_enabled: bool,
    #[serde(default, deserialize_with = "field::list")]
    attribute_definitions: Vec<DefinitionDocument>,
    #[serde(default = "yes", deserialize_with = "field::boolean")]
    cleanse_attributes: bool,
    /// The server chooses it.
    #[serde(default, rename = "id")]
    _id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DefinitionDocument {
    #[serde(default, deserialize_with = "field::list")]
    permissions: Vec<PermissionDocument>,
    #[serde(default, deserialize_with = "field::optional_text")]
    name: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    default_value: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PermissionDocument {
    #[serde(default, deserialize_with = "field::texts")]
    allowed_actions: Vec<String>,
    #[serde(default, deserialize_with = "field::optional_text")]
    application: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The tenant that the body describes.
///
/// # Errors
///
/// As [`Params::json`]; for a name that is missing, blank or too long.
pub fn tenant(params: &Params) -> Result<TenantInput, ApiError> {
    let document: TenantDocument = params.json()?;
    let name = document.name.unwrap_or_default();
    let problem = if name.trim().is_empty() {
        Some("it must not be blank".to_owned())
    } else if name.len() > NAME_BYTES_MAX {
        Some(format!("it must not be longer than {NAME_BYTES_MAX} bytes"))
    } else {
        None
    };
    if let Some(problem) = problem {
        let message = format!("The JSON body is invalid at 'name': {problem}");
        return Err(ApiError::DocumentInvalid(message));
    }
    Ok(TenantInput {
        name: TenantName::new(name).expect("it is not blank"),
        verify_new_profiles: document.verify_new_profiles,
        available_roles: document.available_roles,
        sso_enabled: document.sso_enabled,
        attribute_definitions: document
            .attribute_definitions
            .into_iter()
            .map(definition)
            .collect(),
        cleanse_attributes: document.cleanse_attributes,
    })
}

/// The attribute definitions in the body.
///
/// # Errors
///
/// As [`Params::json`].
pub fn definitions(params: &Params) -> Result<Vec<AttributeDefinition>, ApiError> {
    let documents: Vec<DefinitionDocument> = params.json()?;
    Ok(documents.into_iter().map(definition).collect())
}

fn definition(document: DefinitionDocument) -> AttributeDefinition {
    let permission = |permission: PermissionDocument| AttributePermission {
        allowed_actions: permission.allowed_actions,
        application: permission.application.unwrap_or_else(|| ANY.to_owned()),
    };
    AttributeDefinition {
        permissions: document.permissions.into_iter().map(permission).collect(),
        // Without a name it is refused as one that is blank.
        name: document.name.unwrap_or_default(),
        metadata: document.metadata,
        default_value: document.default_value,
    }
}
