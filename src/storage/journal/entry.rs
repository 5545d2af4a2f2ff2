//! The entries of the journal: how far settling had come, and rotations.

use crate::clock::Timestamp;
use crate::domain::persistent_login::{Rotation, Token};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login::key::Place;

const VERSION: u8 = 1;

/// How many bytes a rotation takes in an entry; what comes before the rotations takes no more.
const ROW_BYTES: usize = 68;

/// How far settling has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Turn {
    /// How many rounds were finished.
    pub(super) cycle: u64,
    /// The place settled last in this round; `None` at its beginning.
    pub(super) hand: Option<Place>,
}

impl Turn {
    pub(super) const FIRST: Self = Self {
        cycle: 0,
        hand: None,
    };

    /// Whether the hand, which is at this turn now, has passed `place` since it was at `then`.
    pub(super) fn has_settled(self, then: Self, place: Place) -> bool {
        let before = |hand: Option<Place>| hand.is_some_and(|hand| place <= hand);
        match self.cycle.checked_sub(then.cycle) {
            Some(0) => !before(then.hand) && before(self.hand),
            Some(1) => !before(then.hand) || before(self.hand),
            _ => true,
        }
    }

    /// Whether the hand, which is at this turn now, has gone round since it was at `then`.
    pub(super) fn has_settled_all(self, then: Self) -> bool {
        let round_later = Self {
            cycle: then.cycle + 1,
            hand: then.hand,
        };
        round_later <= self
    }
}

pub(super) fn encode_entry(turn: Turn, rows: &[(Place, Rotated)]) -> Vec<u8> {
    Encoder::with_capacity(VERSION, (1 + rows.len()) * ROW_BYTES)
        .number(turn.cycle)
        .option(turn.hand, |entry, place| entry.bytes(&place.key()))
        .list(rows, |entry, (place, rotated)| {
            entry
                .bytes(&place.key())
                .uuid(rotated.token.reveal())
                .uuid(rotated.rotation.replaced.reveal())
                .timestamp(rotated.rotation.at)
        })
        .finish()
}

/// The turn of an entry, and the decoder that goes on with its rows.
pub(super) fn decode_turn(entry: &[u8]) -> Result<(Turn, Decoder<'_>), Failure> {
    let mut decoder = Decoder::new("entry of the rotation journal", VERSION, entry)?;
    let cycle = decoder.number()?;
    let hand = decoder.option(|entry| Ok(Place::from_key(&entry.array()?)))?;
    Ok((Turn { cycle, hand }, decoder))
}

pub(super) fn decode_row(entry: &mut Decoder<'_>) -> Result<(Place, Rotated), Failure> {
    let place = Place::from_key(&entry.array()?);
    let token = Token::new(entry.uuid()?);
    let replaced = Token::new(entry.uuid()?);
    let at: Timestamp = entry.timestamp()?;
    let rotation = Rotation { replaced, at };
    Ok((place, Rotated { token, rotation }))
}
