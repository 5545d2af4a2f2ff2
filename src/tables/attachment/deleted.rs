//! The deleted profiles whose attachments are there still: to delete a profile is one small row, however many it has.

use std::ops::{Bound, ControlFlow};

use crate::domain::object_id::ObjectId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::attachment;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "attachment_deleted";

const DELETED: Table<Fixed<12>> = Table::new(TABLE_NAME);
const VERSION: u8 = 1;

/// Notes that the profile, which is deleted, had attachments, if it had any.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, profile_id: ObjectId) -> Result<(), Failure> {
    if attachment::count(txn, profile_id, 1)? == 0 {
        return Ok(());
    }
    let record = Encoder::new(VERSION).finish();
    txn.put(&DELETED, profile_id.as_bytes(), &record)
}

/// The first deleted profile whose attachments are there still.
///
/// # Errors
///
/// Of the storage.
pub fn first(txn: &impl Read) -> Result<Option<ObjectId>, Failure> {
    let mut found = None;
    txn.scan(&DELETED, Bound::Unbounded, |key, _| {
        found = Some(ObjectId::from_bytes(*key));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Removes at most `count_max` attachments of a deleted profile, and forgets it with the last. Returns how many were
/// removed.
///
/// # Errors
///
/// Of the storage.
pub fn remove_some(
    txn: &WriteTxn,
    profile_id: ObjectId,
    count_max: usize,
) -> Result<usize, Failure> {
    let removed = attachment::remove_some(txn, profile_id, count_max)?;
    if removed < count_max {
        txn.remove(&DELETED, profile_id.as_bytes())?;
    }
    Ok(removed)
}

/// Checks the record of a deleted profile.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(record: &[u8]) -> Result<(), Failure> {
    Decoder::new("deleted profile with attachments", VERSION, record)?.finish()
}
