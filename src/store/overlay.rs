//! What rotations changed and the records of logins do not tell yet.
//!
//! The overlay is ahead of the records, never behind them: an entry comes before anybody can see the
//! snapshot of its commit, and goes only when nobody looks any more at a snapshot that is older than the
//! commit which wrote it into its record ([`Lingering`]). So whoever looks here and into a snapshot's
//! records finds the last rotation of that snapshot, or a later one that is on disk.

use std::array;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak};

use crate::domain::persistent_login::{PersistentLogin, Rotation, Token};
use crate::store::place::Place;

/// What a rotation changes of a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// The token that the login has now.
    pub token: Token,
    /// How it came to it.
    pub rotation: Rotation,
}

impl Rotated {
    /// What the last rotation of `login` changed; `None` if it was never rotated.
    pub fn of(login: &PersistentLogin) -> Option<Self> {
        let token = login.token;
        login.rotation.map(|rotation| Self { token, rotation })
    }

    /// The login with this as its last rotation.
    pub fn apply(self, login: PersistentLogin) -> PersistentLogin {
        PersistentLogin {
            token: self.token,
            rotation: Some(self.rotation),
            ..login
        }
    }
}

/// Into how many parts the overlay is divided, so that a reader hardly ever waits, and not for long when
/// a part grows.
const PARTS: usize = 64;

type Part = HashMap<Place, Rotated>;

/// The last rotation of each login whose record may not tell it yet. A login that is here and has no
/// record was deleted: records alone decide what exists.
///
/// Anybody may look; the writer alone changes it, after each commit.
#[derive(Debug)]
pub struct Overlay {
    parts: [RwLock<Part>; PARTS],
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            parts: array::from_fn(|_| RwLock::default()),
        }
    }
}

impl Overlay {
    /// The last rotation of the login at `place`, if its record may not tell it.
    pub fn get(&self, place: Place) -> Option<Rotated> {
        let part = self.part(place).read();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        part.get(&place).copied()
    }

    /// Puts the last rotation of the login at `place`.
    pub fn put(&self, place: Place, rotated: Rotated) {
        write(self.part(place)).insert(place, rotated);
    }

    /// Removes `rotated`, unless the login at `place` was rotated again.
    pub fn remove(&self, place: Place, rotated: Rotated) {
        let mut part = write(self.part(place));
        if part.get(&place) == Some(&rotated) {
            part.remove(&place);
        }
    }

    /// Gives back the memory that a time of many rotations took.
    pub fn shrink(&self) {
        for part in &self.parts {
            write(part).shrink_to_fit();
        }
    }

    /// Ids are random, and so are their last bits.
    fn part(&self, place: Place) -> &RwLock<Part> {
        let [.., last] = place.id.uuid().into_bytes();
        &self.parts[usize::from(last) % PARTS]
    }
}

fn write(part: &RwLock<Part>) -> RwLockWriteGuard<'_, Part> {
    part.write().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody looks at a snapshot, or relies on what it showed, as long as one of these is left.
pub type Pin = Arc<()>;

/// What was settled, and stays in the overlay for those who look at an older snapshot.
#[derive(Debug, Default)]
pub struct Lingering {
    /// The snapshots that somebody may look at, oldest first, by their versions.
    snapshots: VecDeque<(u64, Weak<()>)>,
    /// What each commit settled, oldest first, by their versions.
    settled: VecDeque<(u64, Vec<(Place, Rotated)>)>,
}

impl Lingering {
    /// The pin of a new snapshot of this version.
    pub fn pin(&mut self, version: u64) -> Pin {
        let pin = Pin::default();
        self.snapshots.push_back((version, Arc::downgrade(&pin)));
        pin
    }

    /// Keeps what the commit of this version settled.
    pub fn keep(&mut self, version: u64, settled: Vec<(Place, Rotated)>) {
        self.settled.push_back((version, settled));
    }

    /// Takes from `overlay` what every snapshot that is left tells in its records.
    pub fn sweep(&mut self, overlay: &Overlay) {
        while let Some((_, pin)) = self.snapshots.front()
            && pin.strong_count() == 0
        {
            self.snapshots.pop_front();
        }
        let oldest = self.snapshots.front().map(|(version, _)| *version);
        while let Some((version, settled)) = self.settled.front()
            && oldest.is_none_or(|oldest| *version <= oldest)
        {
            for (place, rotated) in settled {
                overlay.remove(*place, *rotated);
            }
            self.settled.pop_front();
        }
    }
}

/// The rotations of one transaction, the last one of each login.
#[derive(Debug, Default)]
pub struct Rotations {
    rows: Vec<(Place, Rotated)>,
    /// Where in `rows` a login is.
    indexes: HashMap<Place, usize>,
}

impl Rotations {
    /// What this transaction changed of the login at `place`.
    pub fn get(&self, place: Place) -> Option<Rotated> {
        self.indexes.get(&place).map(|&index| self.rows[index].1)
    }

    /// Notes a rotation.
    pub fn put(&mut self, place: Place, rotated: Rotated) {
        match self.indexes.get(&place) {
            Some(&index) => self.rows[index].1 = rotated,
            None => {
                self.indexes.insert(place, self.rows.len());
                self.rows.push((place, rotated));
            }
        }
    }

    /// All of them, in the order in which their logins were first rotated.
    pub fn rows(&self) -> &[(Place, Rotated)] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::object_id::ObjectId;
    use crate::domain::persistent_login::PersistentLoginId;

    const PLACE: Place = Place {
        profile_id: ObjectId::from_bytes([1; 12]),
        id: PersistentLoginId::new(Uuid::nil()),
    };

    fn rotated(token: u128) -> Rotated {
        let rotation = Rotation {
            replaced: Token::new(Uuid::nil()),
            at: Timestamp::from_millis(1),
        };
        let token = Token::new(Uuid::from_u128(token));
        Rotated { token, rotation }
    }

    #[test]
    fn what_was_settled_stays_as_long_as_an_older_snapshot_does() {
        let (overlay, mut lingering) = (Overlay::default(), Lingering::default());
        overlay.put(PLACE, rotated(1));
        let (older, newer) = (lingering.pin(4), lingering.pin(5));
        lingering.keep(5, vec![(PLACE, rotated(1))]);
        lingering.sweep(&overlay);
        assert_eq!(overlay.get(PLACE), Some(rotated(1)));
        drop(older);
        lingering.sweep(&overlay);
        assert_eq!(overlay.get(PLACE), None, "the snapshot left tells it");
        drop(newer);
    }

    #[test]
    fn what_was_rotated_again_since_it_was_settled_stays() {
        let (overlay, mut lingering) = (Overlay::default(), Lingering::default());
        overlay.put(PLACE, rotated(1));
        lingering.keep(5, vec![(PLACE, rotated(1))]);
        overlay.put(PLACE, rotated(2));
        lingering.sweep(&overlay);
        assert_eq!(overlay.get(PLACE), Some(rotated(2)));
    }
}
