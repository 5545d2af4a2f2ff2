//! An index of what expires by the time that its life began, so that a cleaner finds the expired ones.

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const VERSION: u8 = 1;

/// A table of times and ids. The key is the time so that bytes sort like times (milliseconds, big-endian, the
/// sign bit flipped), then the id; the record is its version alone.
pub struct ExpiryIndex {
    table: Table<Fixed<24>>,
}

impl ExpiryIndex {
    /// The index in the table of this name.
    pub const fn new(table: &'static str) -> Self {
        Self {
            table: Table::new(table),
        }
    }

    /// Adds what has this id and began at `moment`.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn put(&self, txn: &WriteTxn, moment: Moment, id: Uuid) -> Result<(), Failure> {
        txn.put(&self.table, &key(moment, id), &record())
    }

    /// Adds all of these, each by the moment that it began at and its id.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn put_all(
        &self,
        txn: &WriteTxn,
        entries: impl Iterator<Item = (Moment, Uuid)>,
    ) -> Result<(), Failure> {
        let mut keys: Vec<_> = entries.map(|(moment, id)| key(moment, id)).collect();
        keys.sort_unstable();
        txn.put_all(&self.table, keys.iter().map(|key| (key, record())))
    }

    /// Removes what has this id and began at `moment`, if it is there.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn remove(&self, txn: &WriteTxn, moment: Moment, id: Uuid) -> Result<(), Failure> {
        txn.remove(&self.table, &key(moment, id)).map(drop)
    }

    /// Whether anything began at `newest` or before.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn any_until(&self, txn: &impl Read, newest: Moment) -> Result<bool, Failure> {
        Ok(!self.until(txn, newest, 1)?.is_empty())
    }

    /// Removes at most `count_max` of what began at `newest` or before, oldest first, and returns the ids.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn take_until(
        &self,
        txn: &WriteTxn,
        newest: Moment,
        count_max: usize,
    ) -> Result<Vec<Uuid>, Failure> {
        let keys = self.until(txn, newest, count_max)?;
        for key in &keys {
            txn.remove(&self.table, key)?;
        }
        Ok(keys.iter().map(|key| split(key).1).collect())
    }

    fn until(
        &self,
        txn: &impl Read,
        newest: Moment,
        count_max: usize,
    ) -> Result<Vec<[u8; 24]>, Failure> {
        let mut keys = Vec::new();
        let scanned = txn.scan(&self.table, Bound::Unbounded, |key, record| {
            if let Err(failure) = record {
                // Its time is unknown. What it belongs to ends without it.
                tracing::warn!(%failure, "an entry of the index by creation is passed over");
                return Ok(ControlFlow::Continue(()));
            }
            if keys.len() == count_max || split(key).0 > newest {
                return Ok(ControlFlow::Break(()));
            }
            keys.push(*key);
            Ok(ControlFlow::Continue(()))
        });
        match scanned {
            // What is behind a page that cannot be read is found by a walk over the records.
            Ok(()) | Err(Failure::Unreadable(_)) => Ok(keys),
            Err(failure) => Err(failure),
        }
    }
}

/// The record of every entry.
pub fn record() -> Vec<u8> {
    Encoder::new(VERSION).finish()
}

/// Verifies a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(record: &[u8]) -> Result<(), Failure> {
    Decoder::new("index of expiry", VERSION, record)?.finish()
}

/// The key of what has this id and began at `moment`.
pub fn key(moment: Moment, id: Uuid) -> [u8; 24] {
    let mut key = [0; 24];
    let sortable = moment.as_millis() ^ i64::MIN;
    key[..8].copy_from_slice(&sortable.to_be_bytes());
    key[8..].copy_from_slice(id.as_bytes());
    key
}

/// The moment and the id of a key.
pub fn split(key: &[u8; 24]) -> (Moment, Uuid) {
    let (mut time, mut id) = ([0; 8], [0; 16]);
    time.copy_from_slice(&key[..8]);
    id.copy_from_slice(&key[8..]);
    (
        Moment::from_millis(i64::from_be_bytes(time) ^ i64::MIN),
        Uuid::from_bytes(id),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_time_before_and_after_the_epoch() {
        let id = Uuid::from_u128(7);
        let times = [i64::MIN, -1, 0, 1, i64::MAX].map(Moment::from_millis);
        let keys = times.map(|time| key(time, id));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| split(&key)), times.map(|time| (time, id)));
    }
}
