//! Which attributes of profiles an application may see.

use std::sync::Arc;

use crate::domain::access_token::AccessToken;
use crate::domain::attribute_access::AttributeAction;
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, TenantName, definition};
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::tenant;

/// What the application of an access token may see of profiles, most of which are of one tenant.
pub(super) struct Visibility {
    token: Arc<AccessToken>,
    /// The tenant that was looked at last, and the names of the attributes that may be read of its profiles, sorted.
    readable: Option<(TenantName, Vec<String>)>,
}

impl Visibility {
    pub(super) fn of(token: Arc<AccessToken>) -> Self {
        Self {
            token,
            readable: None,
        }
    }

    /// Removes the attributes that the application may not read, and those that the profile's tenant does not define.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub(super) fn keep_readable(
        &mut self,
        txn: &impl Read,
        profile: &mut Profile,
    ) -> Result<(), Failure> {
        let Some(attributes) = &mut profile.attributes else {
            return Ok(());
        };
        let readable = match &mut self.readable {
            Some((tenant, readable)) if *tenant == profile.tenant => readable,
            slot => {
                let readable = readable(txn, &self.token, &profile.tenant)?;
                &mut slot.insert((profile.tenant.clone(), readable)).1
            }
        };
        attributes.retain(|name| {
            let found = readable.binary_search_by(|readable| readable.as_str().cmp(name));
            found.is_ok()
        });
        Ok(())
    }
}

fn readable(
    txn: &impl Read,
    token: &AccessToken,
    tenant: &TenantName,
) -> Result<Vec<String>, Failure> {
    let tenant = tenant::get(txn, tenant)?;
    let definitions = tenant
        .iter()
        .flat_map(|tenant| &tenant.attribute_definitions);
    let readable = definitions
        .filter(|definition| definition.allows(AttributeAction::Read, &token.application));
    let mut names: Vec<_> = readable.map(|definition| definition.name.clone()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Removes the attributes that are not among these definitions, and those that `application` may not read unless
/// `is_written` is true of them.
pub(super) fn keep_visible(
    definitions: &[AttributeDefinition],
    application: &str,
    profile: &mut Profile,
    is_written: impl Fn(&str) -> bool,
) {
    let Some(attributes) = &mut profile.attributes else {
        return;
    };
    attributes.retain(|name| {
        is_written(name)
            || definition(definitions, name)
                .is_some_and(|definition| definition.allows(AttributeAction::Read, application))
    });
}
