//! The blobs that no attachment has: those of uploads that go on or were cut off, and those that were replaced or
//! deleted.

use std::ops::{Bound, ControlFlow};

use crate::domain::attachment::BlobId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "attachment_orphan";

// Whoever publishes a small attachment looks for its blob here, which was never put.
const ORPHANS: Table<Fixed<16>> = Table::sparse(TABLE_NAME);
const VERSION: u8 = 1;

/// Notes that no attachment has the blob.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, blob: BlobId) -> Result<(), Failure> {
    txn.put(&ORPHANS, blob.as_bytes(), &encode())
}

/// Notes that an attachment has the blob, or that nothing is left of it.
///
/// # Errors
///
/// Of the storage.
pub fn remove(txn: &WriteTxn, blob: BlobId) -> Result<(), Failure> {
    txn.remove(&ORPHANS, blob.as_bytes()).map(drop)
}

/// Whether no attachment has the blob. A record that cannot be read is one too.
///
/// # Errors
///
/// Of the storage.
pub fn contains(txn: &impl Read, blob: BlobId) -> Result<bool, Failure> {
    let found = txn.get(&ORPHANS, blob.as_bytes(), |_| Ok(()));
    Ok(Failure::unless_corrupt(found)?.is_some())
}

/// At most `count_max` orphans behind `after`.
///
/// # Errors
///
/// Of the storage.
pub fn some_after(
    txn: &impl Read,
    after: Option<BlobId>,
    count_max: usize,
) -> Result<Vec<BlobId>, Failure> {
    let first = match &after {
        Some(blob) => Bound::Excluded(blob.as_bytes()),
        None => Bound::Unbounded,
    };
    let mut found = Vec::new();
    txn.scan(&ORPHANS, first, |key, record| {
        if record.is_ok() {
            found.push(BlobId::from_bytes(*key));
        }
        Ok(if found.len() < count_max {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    Ok(found)
}

/// The record of an orphan.
pub fn encode() -> Vec<u8> {
    Encoder::new(VERSION).finish()
}

/// Checks the record of an orphan.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(record: &[u8]) -> Result<(), Failure> {
    Decoder::new("orphan of the attachments", VERSION, record)?.finish()
}
