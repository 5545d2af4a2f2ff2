//! What a snapshot showed, for the write transaction that comes after it.
//!
//! A write is decided inside its transaction, on what is true there. Where no record was written since
//! the snapshot, what was read from records before is still true, and nobody need read it again. What
//! rotations changed since is in the transaction's overlay, where it stays as long as this does.

use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::snapshots::Pin;

/// A value that was read from records of a snapshot.
#[derive(Debug)]
pub struct Seen<T> {
    version: u64,
    value: T,
    /// Keeps in the overlay what was rotated since.
    _pin: Pin,
}

impl<T> Seen<T> {
    /// What `txn` showed.
    pub fn new(txn: &ReadTxn, value: T) -> Self {
        let edition = txn.edition();
        Self {
            version: edition.version,
            value,
            _pin: Pin::clone(&edition.pin),
        }
    }

    /// The value and the version of the edition that showed it, if `txn` shows the same but for rotations;
    /// else it has to be read again.
    pub fn recall(self, txn: &WriteTxn) -> Option<(T, u64)> {
        let is_true = txn.shows_records_of(self.version);
        is_true.then_some((self.value, self.version))
    }
}
