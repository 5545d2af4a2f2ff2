//! For how long rotations that are settled must stay in the overlay.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use crate::storage::cache::Overlay;

/// Somebody looks at a snapshot, or relies on what it showed, as long as one of these is left.
pub type Pin = Arc<()>;

/// What left the journal, and lingers in the overlay for those who look at an older snapshot.
#[derive(Debug, Default)]
pub struct Lingering {
    /// The snapshots that somebody may look at, oldest first, by their versions.
    snapshots: VecDeque<(u64, Weak<()>)>,
    /// The versions that removed entries from the journal, oldest first, and the first one they left.
    removals: VecDeque<(u64, u64)>,
}

impl Lingering {
    /// The pin of a new snapshot of this version.
    pub fn pin(&mut self, version: u64) -> Pin {
        let pin = Pin::default();
        self.snapshots.push_back((version, Arc::downgrade(&pin)));
        pin
    }

    /// The commit of this version removed the entries before this one.
    pub fn keep(&mut self, version: u64, first_entry: u64) {
        self.removals.push_back((version, first_entry));
    }

    /// Releases from `overlay` what every snapshot that is left tells in its records.
    pub fn sweep(&mut self, overlay: &Overlay) {
        while let Some((_, pin)) = self.snapshots.front()
            && pin.strong_count() == 0
        {
            self.snapshots.pop_front();
        }
        let oldest = self.snapshots.front().map(|(version, _)| *version);
        while let Some((version, first_entry)) = self.removals.front()
            && oldest.is_none_or(|oldest| *version <= oldest)
        {
            overlay.release(*first_entry);
            self.removals.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::clock::Timestamp;
    use crate::domain::object_id::ObjectId;
    use crate::domain::persistent_login::{PersistentLoginId, Rotation, Token};
    use crate::storage::rotated::Rotated;
    use crate::tables::persistent_login::key::Place;

    use super::*;

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
        let (overlay, mut lingering) = (Overlay::new(0), Lingering::default());
        overlay.put(PLACE, rotated(1), 7);
        let (older, newer) = (lingering.pin(4), lingering.pin(5));
        lingering.keep(5, 8);
        lingering.sweep(&overlay);
        overlay.trim();
        assert_eq!(overlay.rotated(PLACE.id), Some(rotated(1)));
        drop(older);
        lingering.sweep(&overlay);
        overlay.trim();
        assert_eq!(
            overlay.rotated(PLACE.id),
            None,
            "the snapshot left tells it"
        );
        drop(newer);
    }

    #[test]
    fn what_was_rotated_again_since_it_was_settled_stays() {
        let (overlay, mut lingering) = (Overlay::new(0), Lingering::default());
        overlay.put(PLACE, rotated(1), 7);
        lingering.keep(5, 8);
        overlay.put(PLACE, rotated(2), 8);
        lingering.sweep(&overlay);
        overlay.trim();
        assert_eq!(overlay.rotated(PLACE.id), Some(rotated(2)));
    }
}
