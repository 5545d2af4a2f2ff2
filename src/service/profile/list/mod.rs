//! An application lists profiles.
//!
//! First the profiles are chosen: read in steps between which the thread serves others, and all that is kept of one is its
//! id and what it is sorted by. Then they are read again, some at a time, as the client takes them. So neither the memory
//! of a list nor the time for which a snapshot is open depends on how long the list is, or how fast it is taken. A list that
//! one step chooses, and whose profiles are few, is of one moment; in another one, profiles that are changed, created or
//! deleted meanwhile may be in it or not, and each is as it is when it is sent.

mod choice;
mod source;
pub mod wanted;

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::TenantAction;
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::projection::Projection;
use crate::error::Failure;
use crate::service::access::{require, require_profiles};
use crate::service::caller::Caller;
use crate::service::lazy_list::{LazyList, Rest};
use crate::service::list_room::ListRoom;
use crate::service::profile::list::choice::Choice;
use crate::service::profile::list::source::{Source, Step};
use crate::service::profile::list::wanted::{ListRequest, Listed};
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;
use crate::service::profile::visible::Visibility;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::profile;

/// How many profiles are read at once to be sent.
const PIECE_PROFILES_MAX: usize = 64;

/// With about how many bytes of JSON no more profiles are read to be sent.
const PIECE_BYTES_MAX: usize = 32 << 10;

/// What a list takes beside what was chosen: the profiles that were read and not sent yet, their JSON, and buffers.
const LIST_BYTES: usize = 96 << 10;

/// The profiles that `wanted` asks for, with the attributes that the caller's application may read.
///
/// # Errors
///
/// Refuses an invalid caller. Of a tenant, a caller without MANAGE_PROFILES on it, and if there is anything to list, one
/// without READ_TENANT; of ids, a caller that lacks one of them, in this order, on the tenant of a profile that exists.
/// Refuses what takes more than the limits of lists allow. [`Failure::ListsFull`] if there is no room for the list.
pub async fn list(
    app: &App,
    caller: Caller,
    wanted: ListRequest,
) -> Checked<LazyList<RestOfProfiles>> {
    caller.note_use(app);
    let now = app.clock.now().time();
    let limits = &app.config.requests;
    let mut room = ListRoom::reserve(app, LIST_BYTES).await?;
    let mut source = Source::new(app, &wanted.listed);
    let mut choice = Choice::new(wanted.order.as_ref(), wanted.page, limits.list_size_max);
    let list = loop {
        let list = transaction::read(app, |txn| {
            let token = caller.identify(txn, now)?;
            let mut visibility = Visibility::of(Arc::clone(&token));
            let tenant = wanted.listed.tenant();
            if let Some(tenant) = tenant {
                require(&token, TenantAction::ManageProfiles, tenant)?;
            }
            let step = source.step(txn, |mut profile| {
                match &wanted.listed {
                    Listed::OfTenant(_, filter) if !filter.matches(&profile) => {
                        return Ok(Step::GoOn);
                    }
                    Listed::OfTenant(..) => {}
                    Listed::WithIds(_) => require_profiles(&token, profile.tenant.as_str())?,
                }
                // The order may be by an attribute that the caller does not see.
                let key = choice.key(&profile);
                visibility.keep_readable(txn, &mut profile)?;
                let bytes = json_bytes(&profile, &wanted.projection);
                choice.push(profile.id, key, bytes)
            })?;
            if step == Step::GoOn {
                return Ok(None);
            }
            let chosen = choice.finish()?;
            if let Some(tenant) = tenant
                && !chosen.is_empty()
            {
                require(&token, TenantAction::ReadTenant, tenant)?;
            }
            let mut rest = RestOfProfiles {
                visibility,
                chosen,
                next: 0,
            };
            let first = rest.read_some(txn)?;
            Ok(Some((first, rest)))
        })?;
        if !room.grow(LIST_BYTES + choice.bytes())? {
            return Err(ProfileRequestRefusal::ListTooLong.into());
        }
        match list {
            Some(list) => break list,
            None => source.pause().await?,
        }
    };
    let (first, rest) = list;
    room.shrink(LIST_BYTES + size_of_val(&*rest.chosen));
    Ok(LazyList::new(app, room, first, rest))
}

/// About how many bytes of JSON are sent of a profile with these attributes.
fn json_bytes(profile: &Profile, projection: &Projection) -> usize {
    /// The names of the fields, dates, the id and the like.
    const FIXED_BYTES: usize = 180;
    let attributes = profile.attributes.iter().flat_map(|all| all.iter());
    let shown = attributes.filter(|(name, _)| projection.shows(name));
    let attribute_bytes: usize = shown.map(|(name, json)| name.len() + json.len() + 4).sum();
    let roles = profile.roles.iter().flatten();
    let role_bytes: usize = roles.map(|role| role.len() + 3).sum();
    let text_bytes = profile.username.len() + profile.email.len() + profile.tenant.as_str().len();
    FIXED_BYTES + text_bytes + role_bytes + attribute_bytes
}

/// The profiles of a list from the next one on.
pub struct RestOfProfiles {
    visibility: Visibility,
    chosen: Box<[ObjectId]>,
    next: usize,
}

impl Rest for RestOfProfiles {
    type Item = Profile;

    fn is_complete(&self) -> bool {
        self.next == self.chosen.len()
    }

    fn read_some(&mut self, txn: &impl Read) -> Result<Vec<Profile>, Failure> {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for id in self.chosen[self.next..].iter().take(PIECE_PROFILES_MAX) {
            self.next += 1;
            let Some(mut profile) = profile::get(txn, *id)? else {
                continue;
            };
            self.visibility.keep_readable(txn, &mut profile)?;
            bytes += json_bytes(&profile, &Projection::All);
            some.push(profile);
            if bytes >= PIECE_BYTES_MAX {
                break;
            }
        }
        Ok(some)
    }
}
