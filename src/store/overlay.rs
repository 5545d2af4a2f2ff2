//! What is known of logins in memory, which lies over their records.
//!
//! What rotations changed and the records do not tell yet must stay. Beside it is, as far as there is
//! room, everything about the logins that were read last, so that their records need not be read again.
//!
//! The overlay is ahead of the records, never behind them. A rotation comes before anybody can see the
//! snapshot of its commit, and may go only when nobody looks any more at a snapshot that is older than
//! the commit which wrote it into its record ([`Lingering`](super::lingering::Lingering)). A login that
//! was deleted goes before anybody can see the snapshot of that commit, and whoever read it from an older
//! one does not bring it back. So whoever looks here and into a snapshot's records finds the last
//! rotation of that snapshot, or a later one that is on disk, and no login that it does not have.

use std::array;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use indexmap::IndexMap;

use crate::clock::Timestamp;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Rotation, Token};
use crate::domain::tenant::TenantName;
use crate::store::place::Place;
use crate::store::rotated::Rotated;

/// About how much memory a login takes here, in bytes.
pub const LOGIN_BYTES: u64 = 172;

/// Into how many parts the overlay is divided, so that a reader hardly ever waits, and not for long when
/// a part grows.
const PARTS: usize = 64;

/// How many logins are looked at for one that may go, where there is no room.
const LOOKS_MAX: usize = 4;

/// The logins that are known. Anybody may look and learn; the writer alone changes what is known, after
/// each commit.
#[derive(Debug)]
pub struct Overlay {
    parts: [RwLock<Part>; PARTS],
    /// How many logins a part may have, apart from those that must stay.
    part_logins_max: usize,
}

/// The logins whose ids end alike.
#[derive(Debug, Default)]
struct Part {
    known: IndexMap<PersistentLoginId, Known>,
    /// Where to look next for a login that may go.
    hand: usize,
    /// The version of the last commit that deleted a login of this part.
    deleted_at: u64,
}

/// What is known of a login.
#[derive(Debug)]
struct Known {
    profile_id: ObjectId,
    token: Token,
    rotation: Option<Rotation>,
    /// `None` if the record was not read, or is gone.
    origin: Option<Origin>,
    /// Whether the record may not tell the rotation.
    must_stay: bool,
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
        }
    }

    /// The login with this id, if all of it is known.
    pub fn login(&self, id: PersistentLoginId) -> Option<PersistentLogin> {
        let part = self.part(id).read();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        let known = part.known.get(&id)?;
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
        part.known.get(&id)?.rotated()
    }

    /// Learns a login that was read from a snapshot of this version, which must be left until this
    /// returns, and from the overlay.
    pub fn learn(&self, login: &PersistentLogin, version: u64) {
        let mut part = self.write(login.id);
        if version < part.deleted_at {
            return;
        }
        let origin = Some(Origin {
            tenant: login.tenant.clone(),
            timestamp: login.timestamp,
        });
        if let Some(known) = part.known.get_mut(&login.id) {
            known.origin = origin;
        } else if part.has_room(self.part_logins_max) {
            let known = Known {
                profile_id: login.profile_id,
                token: login.token,
                rotation: login.rotation,
                origin,
                must_stay: false,
            };
            part.known.insert(login.id, known);
        }
    }

    /// Puts the last rotation of the login at `place`, which stays until it is settled.
    pub fn put(&self, place: Place, rotated: Rotated) {
        let mut part = self.write(place.id);
        let known = Known {
            profile_id: place.profile_id,
            token: rotated.token,
            rotation: Some(rotated.rotation),
            origin: None,
            must_stay: true,
        };
        if let Some(before) = part.known.get_mut(&place.id) {
            let origin = before.origin.take();
            *before = Known { origin, ..known };
        } else {
            part.has_room(self.part_logins_max);
            part.known.insert(place.id, known);
        }
    }

    /// Everybody's snapshot tells `rotated`, which may go, unless the login was rotated again.
    pub fn settled(&self, id: PersistentLoginId, rotated: Rotated) {
        let mut part = self.write(id);
        let is_full = part.known.len() > self.part_logins_max;
        let Some(known) = part.known.get_mut(&id) else {
            return;
        };
        if known.rotated() != Some(rotated) {
            return;
        }
        known.must_stay = false;
        if is_full || known.origin.is_none() {
            part.known.swap_remove(&id);
        }
    }

    /// The commit of this version deleted the login with this id. What it rotated before stays until it
    /// is settled, for those who look at an older snapshot.
    pub fn deleted(&self, id: PersistentLoginId, version: u64) {
        let mut part = self.write(id);
        part.deleted_at = version;
        match part.known.get_mut(&id) {
            Some(known) if known.must_stay => known.origin = None,
            Some(_) => {
                part.known.swap_remove(&id);
            }
            None => {}
        }
    }

    /// Gives back the memory that a time of many rotations took.
    pub fn shrink(&self) {
        for part in &self.parts {
            write(part).known.shrink_to_fit();
        }
    }

    fn write(&self, id: PersistentLoginId) -> RwLockWriteGuard<'_, Part> {
        write(self.part(id))
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
    /// Whether there is room for one more login; makes some if it soon finds one that may go.
    fn has_room(&mut self, logins_max: usize) -> bool {
        if self.known.len() < logins_max {
            return true;
        }
        for _ in 0..LOOKS_MAX {
            self.hand = (self.hand + 1) % self.known.len().max(1);
            match self.known.get_index(self.hand) {
                Some((_, known)) if !known.must_stay => {
                    self.known.swap_remove_index(self.hand);
                    return self.known.len() < logins_max;
                }
                Some(_) | None => {}
            }
        }
        false
    }
}

impl Known {
    fn rotated(&self) -> Option<Rotated> {
        let token = self.token;
        self.rotation.map(|rotation| Rotated { token, rotation })
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
        overlay.put(Place::of(&login), rotated(2));
        let now = rotated(2).apply(login.clone());
        assert_eq!(overlay.login(login.id).as_ref(), Some(&now));
        // Read before the rotation and learned after it.
        overlay.learn(&login, 1);
        assert_eq!(overlay.login(login.id).as_ref(), Some(&now));
        overlay.settled(login.id, rotated(2));
        assert_eq!(overlay.login(login.id), Some(now));
    }

    #[test]
    fn a_rotation_whose_login_was_not_read_goes_once_it_is_settled_and_was_not_followed_by_another()
    {
        let overlay = Overlay::new(1);
        let login = login(1);
        overlay.put(Place::of(&login), rotated(2));
        assert_eq!(overlay.login(login.id), None, "the record tells the rest");
        overlay.put(Place::of(&login), rotated(3));
        overlay.settled(login.id, rotated(2));
        assert_eq!(overlay.rotated(login.id), Some(rotated(3)));
        overlay.settled(login.id, rotated(3));
        assert_eq!(overlay.rotated(login.id), None);
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
        overlay.put(Place::of(&login), rotated(2));
        overlay.deleted(login.id, 5);
        overlay.learn(&login, 4);
        assert_eq!(overlay.login(login.id), None);
        assert_eq!(overlay.rotated(login.id), Some(rotated(2)));
        overlay.settled(login.id, rotated(2));
        assert_eq!(overlay.rotated(login.id), None);
    }

    #[test]
    fn only_what_must_stay_goes_beyond_the_limit() {
        const MAX: usize = 4 * PARTS;
        let overlay = Overlay::new(MAX);
        let len = || -> usize {
            overlay
                .parts
                .iter()
                .map(|part| write(part).known.len())
                .sum()
        };
        for number in 0..3 * MAX as u128 {
            overlay.learn(&login(number), 1);
        }
        assert_eq!(len(), MAX);
        let known =
            (0..3 * MAX as u128).filter(|&number| overlay.login(login(number).id).is_some());
        assert!(
            known.max() > Some(2 * MAX as u128),
            "newer ones take the place of older ones"
        );
        for number in 0..3 * MAX as u128 {
            overlay.put(Place::of(&login(number)), rotated(number));
        }
        assert_eq!(len(), 3 * MAX);
        overlay.learn(&login(3 * MAX as u128), 1);
        assert_eq!(len(), 3 * MAX, "there is no room");
        for number in 0..3 * MAX as u128 {
            overlay.settled(login(number).id, rotated(number));
        }
        assert!(len() <= MAX, "{}", len());
    }
}
