//! Which attributes of profiles an application may see.

use std::sync::Arc;

use crate::domain::access_token::AccessToken;
use crate::domain::attribute_access::AttributeAction;
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, TenantName, definition};
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::tenant;

/// Of so many definitions each is found at once: to sort their names takes longer than a profile does.
const FEW: usize = 32;

/// What the application of an access token may see of profiles, most of which are of one tenant.
pub(super) struct Visibility {
    token: Arc<AccessToken>,
    /// The tenant of many attributes that was looked at last, and the names of those that may be read of its profiles,
    /// sorted.
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
                let tenant = tenant::get(txn, &profile.tenant)?;
                let tenant = tenant.as_deref();
                let definitions = tenant.map_or(&[][..], |tenant| &tenant.attribute_definitions);
                if definitions.len() <= FEW {
                    keep_visible(definitions, &self.token, profile, |_| false);
                    return Ok(());
                }
                let readable = readable(definitions, &self.token);
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

/// The names of the attributes that the caller may read, sorted.
fn readable(definitions: &[AttributeDefinition], caller: &AccessToken) -> Vec<String> {
    let definitions = definitions.iter();
    let readable =
        definitions.filter(|definition| definition.allows(AttributeAction::Read, caller));
    let mut names: Vec<_> = readable.map(|definition| definition.name.clone()).collect();
    names.sort_unstable();
    names
}

/// Removes the attributes that are not among these definitions, and those that `caller` may not read unless
/// `is_written` is true of them.
pub(super) fn keep_visible(
    definitions: &[AttributeDefinition],
    caller: &AccessToken,
    profile: &mut Profile,
    is_written: impl Fn(&str) -> bool,
) {
    let Some(attributes) = &mut profile.attributes else {
        return;
    };
    attributes.retain(|name| {
        is_written(name)
            || definition(definitions, name)
                .is_some_and(|definition| definition.allows(AttributeAction::Read, caller))
    });
}
