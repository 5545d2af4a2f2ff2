//! The owner of a profile looks where it is signed in.

use std::cmp::Reverse;
use std::mem;
use std::ops::ControlFlow;

use crate::app::App;
use crate::clock::Timestamp;
use crate::clock::timeline::{Moment, Timeline};
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{Lifetime, PersistentLoginId};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::service::access::ProfileRequest;
use crate::service::caller::Caller;
use crate::service::error::Error;
use crate::service::lazy_list::{LazyList, Rest};
use crate::service::list_room::ListRoom;
use crate::service::persistent_login::profile_walk::ProfileWalk;
use crate::service::persistent_login::refusal::PersistentLoginRefusal;
use crate::service::persistent_login::validity::Validity;
use crate::service::profile::ProfileSelector;
use crate::service::steps::STEP_MIN;
use crate::service::transaction;
use crate::storage::transaction::Read;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::usage::Usage;

/// What a list takes beside the ids of its logins: the few that were read and not sent yet, their JSON, and what hyper
/// and the operating system copy of it into buffers.
const LIST_BYTES: usize = 16 << 10;

/// With how many bytes of texts no more logins are read at once.
const STEP_TEXT_BYTES_MAX: usize = 8 << 10;

/// How many usages are kept at least before those that are not in the page are dropped.
const KEPT_MIN: usize = 512;

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

/// The valid logins of a profile, the one used last first: `count` of them after the first `start`. Where they are
/// many, logins that come and go meanwhile may be in the list or not.
///
/// # Errors
///
/// Refuses an invalid caller, an unknown profile, and a caller without MANAGE_TICKETS on its tenant, in
/// this order. [`Failure::ListsFull`] if there is no room for the list.
pub async fn list_by_profile(
    app: &App,
    caller: Caller,
    profile: ProfileSelector,
    start: usize,
    count: usize,
) -> Result<LazyList<RestOfLogins>, Error<PersistentLoginRefusal>> {
    let request = ProfileRequest::new(app, caller, profile);
    let keys = app.keys.get()?;
    let mut newest = Newest::new(start, count);
    // Most of what a walk keeps is kept by one walk at a time.
    let mut room = ListRoom::reserve(app, list_bytes(count)).await?;
    let mut walk = ProfileWalk::new(app);
    let list = loop {
        let list = transaction::read(app, |txn| {
            let (_, profile_id, profile) = request.authorize_manage(txn)?;
            let validity = Validity::of_profile_at(txn, &request.context, keys, profile_id)?;
            let is_last = walk.step(txn, profile_id, |usage| {
                if validity.of(&usage).is_ok() {
                    newest.push(usage);
                }
                ControlFlow::Continue(())
            })?;
            if !is_last {
                return Ok(None);
            }
            let mut rest = RestOfLogins {
                owner: (profile.tenant, profile_id),
                lifetime: request.context.lifetime,
                timeline: request.context.now.timeline.clone(),
                listed: newest.page().iter().map(Listed::of).collect(),
                next: 0,
            };
            let first = rest.read_some(txn)?;
            Ok(Some((first, rest)))
        })?;
        match list {
            Some(list) => break list,
            None => walk.pause().await?,
        }
    };
    let (first, rest) = list;
    room.shrink(list_bytes(rest.listed.len()));
    Ok(LazyList::new(app, room, first, rest))
}

/// What a list of `count` logins takes.
fn list_bytes(count: usize) -> usize {
    LIST_BYTES.saturating_add(count.saturating_mul(size_of::<Listed>()))
}

/// The usages that were newest so far, as many as a page and those before it need.
struct Newest {
    start: usize,
    end: usize,
    /// In no order; more than needed, so that dropping some is worth it.
    kept: Vec<Usage>,
}

impl Newest {
    fn new(start: usize, count: usize) -> Self {
        Self {
            start,
            end: start.saturating_add(count),
            kept: Vec::new(),
        }
    }

    /// The number of usages that are kept at most.
    fn kept_max(&self) -> usize {
        self.end.saturating_mul(2).max(KEPT_MIN)
    }

    fn push(&mut self, usage: Usage) {
        self.kept.push(usage);
        if self.kept.len() >= self.kept_max() {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if self.end < self.kept.len() {
            self.kept.select_nth_unstable_by_key(self.end, order);
            self.kept.truncate(self.end);
        }
    }

    /// The page of what was pushed, as if all of it were sorted like a list.
    fn page(&mut self) -> Vec<Usage> {
        self.drop_oldest();
        let mut page = mem::take(&mut self.kept);
        page.sort_unstable_by_key(order);
        page.drain(..self.start.min(page.len()));
        page
    }
}

/// The order of lists.
fn order(usage: &Usage) -> (Reverse<Moment>, PersistentLoginId) {
    (Reverse(usage.last_used), usage.id)
}

/// What a list keeps of a login that was not read yet.
struct Listed {
    id: PersistentLoginId,
    created: Moment,
    last_used: Moment,
}

impl Listed {
    fn of(usage: &Usage) -> Self {
        Self {
            id: usage.id,
            created: usage.created,
            last_used: usage.last_used,
        }
    }
}

/// The logins of a list from the next one on.
pub struct RestOfLogins {
    owner: (TenantName, ObjectId),
    lifetime: Lifetime,
    timeline: Timeline,
    listed: Box<[Listed]>,
    next: usize,
}

impl Rest for RestOfLogins {
    type Item = ListedLogin;

    fn is_complete(&self) -> bool {
        self.next == self.listed.len()
    }

    /// Reads what else is listed of the next few logins, which have few texts or are one.
    fn read_some(&mut self, txn: &impl Read) -> Result<Vec<ListedLogin>, Failure> {
        let (tenant, profile_id) = &self.owner;
        let (mut some, mut text_bytes) = (Vec::new(), 0);
        for listed in self.listed[self.next..].iter().take(STEP_MIN) {
            let id = listed.id;
            let (created, last_used) = (listed.created, listed.last_used);
            let device = persistent_login::device(
                txn,
                LoginKey {
                    profile_id: *profile_id,
                    id,
                },
            )?;
            let texts = [&device.label, &device.user_agent, &device.ip_address];
            text_bytes += texts.into_iter().flatten().map(String::len).sum::<usize>();
            some.push(ListedLogin {
                id,
                tenant: tenant.clone(),
                profile_id: *profile_id,
                device,
                created: self.timeline.time(created),
                last_used: self.timeline.time(last_used),
                expires: self.lifetime.end(created, last_used, &self.timeline),
            });
            if text_bytes >= STEP_TEXT_BYTES_MAX {
                break;
            }
        }
        self.next += some.len();
        Ok(some)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn usage(number: u64) -> Usage {
        // Several were used at the same time.
        let last_used = Moment::from_millis((number * 7_919 % 1_000) as i64);
        Usage {
            profile_id: ObjectId::from_bytes([7; 12]),
            id: PersistentLoginId::new(Uuid::from_u128(number.into())),
            key: 1,
            era: 0,
            created: last_used,
            last_used,
        }
    }

    #[test]
    fn a_page_is_that_of_the_sorted_list_and_little_more_is_kept() {
        let mut sorted: Vec<_> = (0..5_000).map(usage).collect();
        sorted.sort_by_key(order);
        for (start, count) in [
            (0, 1),
            (0, 100),
            (100, 1_000),
            (4_990, 100),
            (9_000, 7),
            (3, 0),
        ] {
            let mut newest = Newest::new(start, count);
            for number in 0..5_000 {
                newest.push(usage(number));
                assert!(newest.kept.len() <= (2 * (start + count)).max(KEPT_MIN));
            }
            let page = newest.page();
            let expected: Vec<_> = sorted.iter().skip(start).take(count).copied().collect();
            assert_eq!(page, expected, "{start} {count}");
        }
    }
}
