//! An application lists profiles.
//!
//! First the profiles are chosen: read in steps between which the thread serves others, and all that is kept of one is
//! its id and what it is sorted by. Then they are read again, some at a time, as the client takes them. So neither the
//! memory of a list nor the time for which a snapshot is open depends on how long the list is, or how fast it is taken.
//! A list that one step chooses, and whose profiles are few, is of one moment; in another one, profiles that are
//! changed, created or deleted meanwhile may be in it or not, and each is as it is when it is sent.

mod choice;
pub mod count_by_query;
pub mod one_by_query;
mod query;
mod source;
pub mod wanted;

use std::sync::Arc;

use crate::app::App;
use crate::domain::access_token::{AccessToken, TenantAction};
use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::profile_filter::ProfileFilter;
use crate::domain::profile_order::ProfileOrder;
use crate::domain::projection::Projection;
use crate::error::Failure;
use crate::service::access::{require, require_profiles};
use crate::service::caller::Caller;
use crate::service::lazy_list::{LazyList, Rest};
use crate::service::list_room::ListRoom;
use crate::service::profile::list::choice::Choice;
use crate::service::profile::list::query::ProfileQuery;
use crate::service::profile::list::source::{Candidate, Source, Step};
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
/// Refuses an invalid caller. Of a tenant, a caller without MANAGE_PROFILES on it, and if there is anything to list,
/// one without READ_TENANT; of ids, a caller that lacks one of them, in this order, on the tenant of a profile that
/// exists; of a query, what [`ProfileQuery::new`] refuses. Refuses what takes more than the limits of lists allow.
/// [`Failure::ListsFull`] if there is no room for the list.
pub async fn list(
    app: &App,
    caller: Caller,
    wanted: ListRequest,
) -> Checked<LazyList<RestOfProfiles>> {
    caller.note_use(app);
    let now = app.clock.now().time();
    let limits = &app.config.requests;
    let selection = Selection::new(app, &caller, wanted.listed)?;
    let mut source = selection.source(app);
    let by_username = ProfileOrder::by_username;
    let order = wanted
        .order
        .or_else(|| selection.needs_order(&source).then(by_username));
    let mut choice = Choice::new(order.as_ref(), wanted.page, limits.list_size_max);
    let mut room = ListRoom::reserve(app, LIST_BYTES).await?;
    let list = loop {
        let list = transaction::read(app, |txn| {
            let token = caller.identify(txn, now)?;
            let mut visibility = Visibility::of(Arc::clone(&token));
            selection.authorize(&token)?;
            let step = source.step(txn, |candidate| {
                let Some(mut profile) = selection.find(txn, &token, &candidate)? else {
                    return Ok(Step::GoOn);
                };
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
            if let Selection::OfTenant(tenant, _) | Selection::After(tenant, _) = &selection
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

/// Which profiles a list has.
enum Selection {
    /// Those of the tenant with this name, if there is one.
    OfTenant(String, ProfileFilter),
    /// Those of the tenant with the first name whose usernames come after the second.
    After(String, String),
    /// Those with these ids.
    WithIds(Vec<String>),
    /// Those that match.
    Matching(ProfileQuery),
}

impl Selection {
    fn new(app: &App, caller: &Caller, listed: Listed) -> Checked<Self> {
        Ok(match listed {
            Listed::OfTenant(tenant, filter) => Self::OfTenant(tenant, filter),
            Listed::After { tenant, username } => Self::After(tenant, username),
            Listed::WithIds(texts) => Self::WithIds(texts),
            Listed::Matching { tenant, query } => {
                Self::Matching(ProfileQuery::new(app, caller, &tenant, &query)?)
            }
        })
    }

    fn source<'a>(&self, app: &'a App) -> Source<'a> {
        match self {
            Self::OfTenant(tenant, _) => Source::of_tenant(app, tenant),
            Self::After(tenant, username) => Source::after(app, tenant, username),
            Self::WithIds(texts) => Source::of_ids(app, texts),
            Self::Matching(query) => query.source(app),
        }
    }

    /// Whether the profiles have to be sorted by username, because the source does not have them so.
    fn needs_order(&self, source: &Source<'_>) -> bool {
        matches!(self, Self::Matching(_)) && !source.is_by_username()
    }

    /// Refuses a caller that may not list them, whether there are any or not.
    fn authorize(&self, token: &AccessToken) -> Checked<()> {
        match self {
            Self::OfTenant(tenant, _) | Self::After(tenant, _) => {
                require(token, TenantAction::ManageProfiles, tenant)?;
            }
            Self::WithIds(_) => {}
            Self::Matching(query) => require_profiles(token, query.tenant.as_str())?,
        }
        Ok(())
    }

    /// The profile, if it is one of them.
    fn find(
        &self,
        txn: &impl Read,
        token: &AccessToken,
        candidate: &Candidate<'_>,
    ) -> Checked<Option<Profile>> {
        if let Self::Matching(query) = self {
            return query.find(txn, candidate);
        }
        let Some(profile) = profile::get(txn, candidate.id)? else {
            return Ok(None);
        };
        match self {
            Self::OfTenant(_, filter) if !filter.matches(&profile) => return Ok(None),
            Self::WithIds(_) => require_profiles(token, profile.tenant.as_str())?,
            Self::OfTenant(..) | Self::After(..) | Self::Matching(_) => {}
        }
        Ok(Some(profile))
    }
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
