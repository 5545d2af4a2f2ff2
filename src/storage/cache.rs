//! What is known of logins in memory, which lies over their records.
//!
//! What rotations changed and the records do not tell yet must stay. Beside it is, as far as there is
//! room, everything about the logins that were read last, so that their records need not be read again.
//!
//! The overlay is ahead of the records, never behind them. A rotation comes before anybody can see the
//! snapshot of its commit, and may go only when its entry has left the journal and nobody looks any more
//! at a snapshot in which it has not ([`Lingering`](super::snapshots::Lingering)). A login that was
//! deleted goes before anybody can see the snapshot of that commit, and whoever read it from an older one
//! does not bring it back. So whoever looks here and into a snapshot's records finds the last rotation of
//! that snapshot, or a later one that is on disk, and no login that was deleted by then.

use std::array;
use std::hash::BuildHasher;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Rotation, Token};
use crate::domain::tenant::TenantName;
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login::key::Place;

/// About how much memory a login takes here, in bytes.
pub const LOGIN_BYTES: u64 = 165;

/// Into how many parts the overlay is divided, so that a reader hardly ever waits, and not for long when
/// a part grows.
const PARTS: usize = 64;

/// How many places of a part are looked at for a login that may go, where there is no room.
const LOOKS_MAX: usize = 8;

/// A part whose table is full gets room for one more login for so many that it has, at least.
const LOGINS_PER_ROOM: usize = 8;

/// How many names of tenants are kept for the logins that have them to share: far more than most have.
const TENANTS_MAX: usize = 64;

/// The logins that are known. Anybody may look and learn; the writer alone changes what is known, after
/// each commit.
#[derive(Debug)]
pub struct Overlay {
    parts: [RwLock<Part>; PARTS],
    /// How many logins a part may have, apart from those that must stay.
    part_logins_max: usize,
    hasher: DefaultHashBuilder,
    tenants: RwLock<Vec<TenantName>>,
    /// Rotations may go that were journaled by an entry before this one.
    first_entry: AtomicU64,
}

/// The logins whose ids end alike.
#[derive(Debug, Default)]
struct Part {
    known: HashTable<Known>,
    /// Where to look next for a login that may go.
    hand: usize,
    /// The version of the last commit that deleted a login of this part.
    deleted_at: u64,
}

/// What is known of a login.
#[derive(Debug)]
struct Known {
    id: PersistentLoginId,
    profile_id: ObjectId,
    token: Token,
    rotation: Option<Rotation>,
    /// The entry after the one that journaled the rotation; 0 if the record tells it.
    entry_after: u64,
    /// `None` if the record was not read, or is gone.
    origin: Option<Origin>,
}

/// What never changes of a login.
#[derive(Debug)]
struct Origin {
    tenant: TenantName,
    timestamp: Timestamp,
}

impl Overlay {
    /// Knows nothing. Keeps about `logins_max` logins, and those that must stay.
    pub fn new(logins_max: usize) -> Self {
        Self {
            parts: array::from_fn(|_| RwLock::default()),
            part_logins_max: logins_max.div_ceil(PARTS),
            hasher: DefaultHashBuilder::default(),
            tenants: RwLock::default(),
            first_entry: AtomicU64::new(0),
        }
    }

    /// The login with this id, if all of it is known.
    pub fn login(&self, id: PersistentLoginId) -> Option<PersistentLogin> {
        let part = self.part(id).read();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        let known = part.find(self.hash(id), id)?;
        let origin = known.origin.as_ref()?;
        Some(PersistentLogin {
            id,
            tenant: origin.tenant.clone(),
            profile_id: known.profile_id,
            token: known.token,
            timestamp: origin.timestamp,
            rotation: known.rotation,
        })
    }

    /// The last rotation of the login with this id, if its record may not tell it.
    pub fn rotated(&self, id: PersistentLoginId) -> Option<Rotated> {
        let part = self.part(id).read();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        let known = part.find(self.hash(id), id)?;
        let token = known.token;
        known.rotation.map(|rotation| Rotated { token, rotation })
    }

    /// Learns a login that was read from a snapshot of this version, which must be left until this
    /// returns, and from the overlay.
    pub fn learn(&self, login: &PersistentLogin, version: u64) {
        let mut part = write(self.part(login.id));
        if version < part.deleted_at {
            return;
        }
        let origin = Some(Origin {
            tenant: self.shared(&login.tenant),
            timestamp: login.timestamp,
        });
        if let Some(known) = part.find_mut(self.hash(login.id), login.id) {
            known.origin = origin;
        } else if self.make_room(&mut part) {
            let known = Known {
                id: login.id,
                profile_id: login.profile_id,
                token: login.token,
                rotation: login.rotation,
                entry_after: 0,
                origin,
            };
            self.insert(&mut part, known);
        }
    }

    /// Puts the last rotation of the login at `place`, which the entry with this number journals.
    pub fn put(&self, place: Place, rotated: Rotated, entry: u64) {
        let mut part = write(self.part(place.id));
        let (token, rotation) = (rotated.token, Some(rotated.rotation));
        let entry_after = entry + 1;
        if let Some(known) = part.find_mut(self.hash(place.id), place.id) {
            known.token = token;
            known.rotation = rotation;
            known.entry_after = entry_after;
        } else {
            self.make_room(&mut part);
            let known = Known {
                id: place.id,
                profile_id: place.profile_id,
                token,
                rotation,
                entry_after,
                origin: None,
            };
            self.insert(&mut part, known);
        }
    }

    /// The commit of this version deleted the login with this id. What it rotated before stays as long as
    /// it must, for those who look at an older snapshot.
    pub fn deleted(&self, id: PersistentLoginId, version: u64) {
        let mut part = write(self.part(id));
        part.deleted_at = version;
        if let Some(known) = part.find_mut(self.hash(id), id) {
            known.origin = None;
        }
    }

    /// Everybody's snapshot is without the entries before this one, whose rotations may go.
    pub fn release(&self, first_entry: u64) {
        self.first_entry.store(first_entry, Ordering::Relaxed);
    }

    /// Lets go what is of no use any more, and gives back the memory that a time of many rotations took.
    pub fn trim(&self) {
        for part in &self.parts {
            let mut part = write(part);
            part.known
                .retain(|known| known.origin.is_some() || !self.may_go(known));
            let hash = |known: &Known| self.hash(known.id);
            part.known.shrink_to_fit(hash);
        }
    }

    /// The same name, in memory that the logins of a tenant share.
    fn shared(&self, tenant: &TenantName) -> TenantName {
        let shared = |tenants: &[TenantName]| {
            let found = tenants.iter().find(|shared| *shared == tenant);
            let is_full = tenants.len() >= TENANTS_MAX;
            found.or(is_full.then_some(tenant)).cloned()
        };
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = shared(&tenants) {
            return shared;
        }
        drop(tenants);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        shared(&tenants).unwrap_or_else(|| {
            tenants.push(tenant.clone());
            tenant.clone()
        })
    }

    fn insert(&self, part: &mut Part, known: Known) {
        let hash = |known: &Known| self.hash(known.id);
        let len = part.known.len();
        if len == part.known.capacity() {
            // What went leaves places behind that cannot be used again; a table that grows by itself would
            // double for them, and never be as small again.
            let room = HashTable::with_capacity(len + len / LOGINS_PER_ROOM + 1);
            for known in mem::replace(&mut part.known, room) {
                part.known.insert_unique(hash(&known), known, hash);
            }
        }
        part.known.insert_unique(hash(&known), known, hash);
    }

    /// Whether `part` has room for one more login; makes some if it soon finds one that may go.
    fn make_room(&self, part: &mut Part) -> bool {
        if part.known.len() < self.part_logins_max {
            return true;
        }
        for _ in 0..LOOKS_MAX {
            part.hand = (part.hand + 1) % part.known.num_buckets().max(1);
            if let Ok(found) = part.known.get_bucket_entry(part.hand)
                && self.may_go(found.get())
            {
                found.remove();
                return part.known.len() < self.part_logins_max;
            }
        }
        false
    }

    fn may_go(&self, known: &Known) -> bool {
        known.entry_after <= self.first_entry.load(Ordering::Relaxed)
    }

    fn hash(&self, id: PersistentLoginId) -> u64 {
        self.hasher.hash_one(id)
    }

    /// Ids are random, and so are their last bits.
    fn part(&self, id: PersistentLoginId) -> &RwLock<Part> {
        let [.., last] = id.uuid().into_bytes();
        &self.parts[usize::from(last) % PARTS]
    }
}

fn write(part: &RwLock<Part>) -> RwLockWriteGuard<'_, Part> {
    part.write().unwrap_or_else(PoisonError::into_inner)
}

impl Part {
    fn find(&self, hash: u64, id: PersistentLoginId) -> Option<&Known> {
        self.known.find(hash, |known| known.id == id)
    }

    fn find_mut(&mut self, hash: u64, id: PersistentLoginId) -> Option<&mut Known> {
        self.known.find_mut(hash, |known| known.id == id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn login(number: u128) -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::new(Uuid::from_u128(number)),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([1; 12]),
            token: Token::new(Uuid::nil()),
            timestamp: Timestamp::from_millis(1),
            rotation: None,
        }
    }

    fn rotated(token: u128) -> Rotated {
        let rotation = Rotation {
            replaced: Token::new(Uuid::nil()),
            at: Timestamp::from_millis(2),
        };
        let token = Token::new(Uuid::from_u128(token));
        Rotated { token, rotation }
    }

    #[test]
    fn what_was_learned_is_told_with_the_rotations_since() {
        let overlay = Overlay::new(1);
        let login = login(1);
        assert_eq!(overlay.login(login.id), None);
        overlay.learn(&login, 1);
        assert_eq!(overlay.login(login.id).as_ref(), Some(&login));
        overlay.put(Place::of(&login), rotated(2), 7);
        let now = rotated(2).apply(login.clone());
        assert_eq!(overlay.login(login.id).as_ref(), Some(&now));
        // Read before the rotation and learned after it.
        overlay.learn(&login, 1);
        assert_eq!(overlay.login(login.id).as_ref(), Some(&now));
        overlay.release(8);
        overlay.trim();
        assert_eq!(overlay.login(login.id), Some(now));
    }

    #[test]
    fn a_rotation_stays_as_long_as_the_entry_that_journaled_it_last() {
        let overlay = Overlay::new(1);
        let login = login(1);
        overlay.put(Place::of(&login), rotated(2), 7);
        assert_eq!(overlay.login(login.id), None, "the record tells the rest");
        overlay.put(Place::of(&login), rotated(3), 8);
        for (first_entry, expected) in [(7, true), (8, true), (9, false)] {
            overlay.release(first_entry);
            overlay.trim();
            let expected = expected.then(|| rotated(3));
            assert_eq!(overlay.rotated(login.id), expected, "{first_entry}");
        }
    }

    #[test]
    fn a_deleted_login_is_not_learned_from_an_older_snapshot() {
        let overlay = Overlay::new(1);
        let login = login(1);
        overlay.learn(&login, 4);
        overlay.deleted(login.id, 5);
        assert_eq!(overlay.login(login.id), None);
        overlay.learn(&login, 4);
        assert_eq!(overlay.login(login.id), None);
    }

    #[test]
    fn what_a_deleted_login_rotated_stays_for_older_snapshots() {
        let overlay = Overlay::new(1);
        let login = login(1);
        overlay.learn(&login, 4);
        overlay.put(Place::of(&login), rotated(2), 7);
        overlay.deleted(login.id, 5);
        overlay.learn(&login, 4);
        assert_eq!(overlay.login(login.id), None);
        overlay.trim();
        assert_eq!(overlay.rotated(login.id), Some(rotated(2)));
        overlay.release(8);
        overlay.trim();
        assert_eq!(overlay.rotated(login.id), None);
    }

    #[test]
    fn logins_of_a_tenant_share_its_name() {
        let overlay = Overlay::new(usize::MAX);
        let named = |number: u128, name: &str| PersistentLogin {
            tenant: TenantName::new(name).expect("not empty"),
            ..login(number)
        };
        let name_of = |number: u128| {
            let known = overlay.login(login(number).id).expect("it was learned");
            known.tenant
        };
        for number in 0..2 * TENANTS_MAX as u128 {
            let name = format!("tenant {}", number / 2);
            overlay.learn(&named(number, &name), 1);
            assert_eq!(name_of(number).as_str(), name);
        }
        let address = |number| name_of(number).as_str().as_ptr();
        assert_eq!(address(0), address(1));
        assert_ne!(address(1), address(2));
        // Names beyond the limit are told as well.
        let last = 2 * TENANTS_MAX as u128;
        overlay.learn(&named(last, "one more"), 1);
        assert_eq!(name_of(last).as_str(), "one more");
        let tenants = overlay.tenants.read().expect("nobody panicked");
        assert_eq!(tenants.len(), TENANTS_MAX);
    }

    #[test]
    fn coming_and_going_takes_no_more_memory() {
        const MAX: u128 = 48 * PARTS as u128;
        let overlay = Overlay::new(MAX as usize);
        let capacity = || -> usize {
            let parts = overlay.parts.iter();
            parts.map(|part| write(part).known.num_buckets()).sum()
        };
        (0..MAX).for_each(|number| overlay.learn(&login(number), 1));
        let before = capacity();
        (0..100 * MAX).for_each(|number| overlay.learn(&login(number), 1));
        assert_eq!(capacity(), before);
    }

    #[test]
    fn only_what_must_stay_goes_beyond_the_limit() {
        const MAX: usize = 4 * PARTS;
        let overlay = Overlay::new(MAX);
        let len = || -> usize {
            let parts = overlay.parts.iter();
            parts.map(|part| write(part).known.len()).sum()
        };
        let logins = || (0..3 * MAX as u128).map(login);
        for login in logins() {
            overlay.learn(&login, 1);
        }
        assert!(len() > MAX / 2 && len() <= MAX, "{}", len());
        let is_known = |login: &PersistentLogin| overlay.login(login.id).is_some();
        let newest = logins().rev().take(MAX);
        assert!(
            newest.filter(is_known).count() > 0,
            "they take the place of older ones"
        );
        for login in logins() {
            overlay.put(Place::of(&login), rotated(2), 7);
        }
        assert_eq!(len(), 3 * MAX);
        overlay.learn(&login(3 * MAX as u128), 1);
        assert_eq!(len(), 3 * MAX, "there is no room");
        overlay.release(8);
        for login in logins() {
            overlay.learn(&login, 1);
        }
        // Each one that goes makes no room for another.
        let mut number = 3 * MAX as u128;
        while len() > MAX {
            overlay.learn(&login(number), 1);
            number += 1;
            assert!(number < 100 * MAX as u128, "{}", len());
        }
    }
}
