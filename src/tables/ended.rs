//! Ends of many things at once, which are one small row however many there are.
//!
//! An end begins a new era: what is of earlier ones is ended with the commit, and removed afterwards. The row is
//! removed with the last of it, so that there are few rows, usually none, and all of them are kept in memory.

use std::hash::Hash;

use hashbrown::HashMap;

use crate::domain::login_state::Era;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};

const VERSION: u8 = 1;

/// The last end of what belongs to each `K`, as long as something of it may be there still. One that cannot be read
/// concerns its `K` alone.
#[derive(Clone, Debug)]
pub(super) struct Ends<K, E>(HashMap<K, Result<E, Failure>>);

impl<K, E> Default for Ends<K, E> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, E: Clone> Ends<K, E> {
    pub(super) fn insert(&mut self, of: K, end: Result<E, Failure>) {
        self.0.insert(of, end);
    }

    /// What ended that which belongs to `of`, if anything did.
    ///
    /// # Errors
    ///
    /// If the end cannot be read.
    pub(super) fn of(&self, of: &K) -> Result<Option<E>, Failure> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0.get(of).cloned().transpose()
    }

    /// Whether nothing ended.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of which something ended, but those whose end cannot be read.
    pub(super) fn readable(&self) -> impl Iterator<Item = &K> {
        let readable = self.0.iter().filter(|(_, end)| end.is_ok());
        readable.map(|(of, _)| of)
    }
}

/// The record of an end that is nothing but the era that began with it.
pub(super) fn encode(era: &Era) -> Vec<u8> {
    Encoder::new(VERSION).varint(*era).finish()
}

/// The era in such a record, which is `what` in the message that it is corrupt.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub(super) fn decode(what: &'static str, record: &[u8]) -> Result<Era, Failure> {
    let mut decoder = Decoder::new(what, VERSION, record)?;
    let era = decoder.varint()?;
    decoder.finish()?;
    Ok(era)
}
