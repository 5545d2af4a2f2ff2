//! What rotations changed and the records of logins do not tell yet.
//!
//! The overlay is ahead of the records, never behind them: an entry comes before anybody can see the
//! snapshot of its commit, and goes only when nobody looks any more at a snapshot that is older than the
//! commit which wrote it into its record ([`Lingering`](super::lingering::Lingering)). So whoever looks here and into a snapshot's
//! records finds the last rotation of that snapshot, or a later one that is on disk.

use std::array;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use crate::store::place::Place;
use crate::store::rotated::Rotated;

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
