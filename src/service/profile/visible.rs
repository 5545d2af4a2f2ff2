//! Which attributes of a profile an application may see.

use crate::domain::access_token::{ANY, AccessToken};
use crate::domain::profile::Profile;
use crate::domain::tenant::AttributeDefinition;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::tenant;

/// The action that lets an application see an attribute.
const READ_ATTRIBUTE: &str = "READ_ATTRIBUTE";

/// Removes the attributes that the caller's application may not read, and those that the profile's tenant does not define.
///
/// # Errors
///
/// Of the storage.
pub(super) fn keep_readable(
    txn: &impl Read,
    token: &AccessToken,
    profile: &mut Profile,
) -> Result<(), Failure> {
    let Some(attributes) = &mut profile.attributes else {
        return Ok(());
    };
    let tenant = tenant::get(txn, &profile.tenant)?;
    let definitions = tenant
        .as_ref()
        .map_or(&[][..], |tenant| &tenant.attribute_definitions);
    attributes.retain(|name| {
        let mut definitions = definitions.iter();
        definitions
            .find(|definition| definition.name == name)
            .is_some_and(|definition| is_readable(definition, &token.application))
    });
    Ok(())
}

/// Whether the first permission for the application, or for all, allows to read the attribute.
fn is_readable(definition: &AttributeDefinition, application: &str) -> bool {
    let mut permissions = definition.permissions.iter();
    permissions
        .find(|permission| permission.application == ANY || permission.application == application)
        .is_some_and(|permission| {
            let mut allowed = permission.allowed_actions.iter();
            allowed.any(|action| action == ANY || action == READ_ATTRIBUTE)
        })
}
