//! What was settled, and for how long somebody may still have to look at it in the overlay.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use crate::store::overlay::Overlay;
use crate::store::place::Place;
use crate::store::rotated::Rotated;

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
                overlay.settled(place.id, *rotated);
            }
            self.settled.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::object_id::ObjectId;
    use crate::domain::persistent_login::{PersistentLoginId, Rotation, Token};

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
        overlay.put(PLACE, rotated(1));
        let (older, newer) = (lingering.pin(4), lingering.pin(5));
        lingering.keep(5, vec![(PLACE, rotated(1))]);
        lingering.sweep(&overlay);
        assert_eq!(overlay.rotated(PLACE.id), Some(rotated(1)));
        drop(older);
        lingering.sweep(&overlay);
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
        overlay.put(PLACE, rotated(1));
        lingering.keep(5, vec![(PLACE, rotated(1))]);
        overlay.put(PLACE, rotated(2));
        lingering.sweep(&overlay);
        assert_eq!(overlay.rotated(PLACE.id), Some(rotated(2)));
    }
}
