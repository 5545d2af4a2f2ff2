//! The owner of a profile looks where it is signed in.

use std::cmp::Reverse;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::service::access::ProfileRequest;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::transaction;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::usage::Usage;

/// A login as its profile's owner may see it: without its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedLogin {
    /// The login.
    pub id: PersistentLoginId,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Who is logged in.
    pub profile_id: ObjectId,
    /// What is known of its device.
    pub device: Device,
    /// When it was created.
    pub created: Timestamp,
    /// When it was rotated last, or created.
    pub last_used: Timestamp,
    /// When it expires unless it is used before.
    pub expires: Timestamp,
}

/// The valid logins of a profile, the one used last first: `count` of them after the first `start`.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_TICKETS on its tenant, in
/// this order.
pub fn list_by_profile(
    app: &App,
    caller: Caller,
    profile_id: String,
    start: usize,
    count: usize,
) -> Result<Vec<ListedLogin>, Error<PersistentLoginRefusal>> {
    let request = ProfileRequest::new(app, caller, profile_id);
    let (now, lifetime) = (request.context.now, request.context.lifetime);
    let keys = app.keys.get()?;
    transaction::read(app, |txn| {
        let (_, profile_id, profile) = request.authorize_manage(txn)?;
        let mut usages = persistent_login::usage_of_profile(txn, profile_id)?;
        usages.retain(|usage| {
            let is_expired = now >= lifetime.end(usage.created, usage.last_used);
            !is_expired && keys.get(usage.key).is_some()
        });
        let page = newest_first(&mut usages, start, count).iter();
        page.map(|usage| {
            let id = usage.id;
            Ok(ListedLogin {
                id,
                tenant: profile.tenant.clone(),
                profile_id,
                device: persistent_login::device(txn, LoginKey { profile_id, id })?,
                created: usage.created,
                last_used: usage.last_used,
                expires: lifetime.end(usage.created, usage.last_used),
            })
        })
        .collect()
    })
}

/// `count` of the usages after the first `start`, as if all of them were sorted like a list. Most of a long
/// list need not be sorted for that.
fn newest_first(usages: &mut [Usage], start: usize, count: usize) -> &[Usage] {
    let order = |usage: &Usage| (Reverse(usage.last_used), usage.id);
    let end = start.saturating_add(count).min(usages.len());
    if end < usages.len() {
        usages.select_nth_unstable_by_key(end, order);
    }
    let head = &mut usages[..end];
    head.sort_unstable_by_key(order);
    &head[start.min(end)..]
}
