//! The chunks of blobs.
//!
//! A chunk with its key and its checksum fills a page of 64 KiB of the file, without a rest: pages come in powers of
//! two, and each chunk has its own.

use std::ops::{Bound, ControlFlow};

use crate::domain::attachment::BlobId;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "attachment_chunk";

const CHUNKS: Table<Fixed<20>> = Table::new(TABLE_NAME);
const VERSION: u8 = 1;

/// How many bytes of a blob every chunk but the last one is written with. Those that are read may have any.
pub const CHUNK_BYTES: usize = (64 << 10) - 256;

/// Puts a chunk.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, blob: BlobId, number: u32, bytes: &[u8]) -> Result<(), Failure> {
    let record = Encoder::with_capacity(VERSION, bytes.len() + 1).bytes(bytes);
    txn.put(&CHUNKS, &key(blob, number), &record.finish())
}

/// The bytes of a chunk.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, blob: BlobId, number: u32) -> Result<Option<Vec<u8>>, Failure> {
    txn.get(&CHUNKS, &key(blob, number), |record| {
        decode(record).map(<[u8]>::to_vec)
    })
}

/// Removes at most `count_max` chunks of the blob, whether they can be read or not. Returns how many there were.
///
/// # Errors
///
/// Of the storage.
pub fn remove_some(txn: &WriteTxn, blob: BlobId, count_max: usize) -> Result<usize, Failure> {
    let mut keys = Vec::new();
    txn.scan(&CHUNKS, Bound::Included(&key(blob, 0)), |key, _| {
        if !key.starts_with(blob.as_bytes()) {
            return Ok(ControlFlow::Break(()));
        }
        keys.push(*key);
        Ok(if keys.len() < count_max {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    for key in &keys {
        txn.remove(&CHUNKS, key)?;
    }
    Ok(keys.len())
}

fn key(blob: BlobId, number: u32) -> [u8; 20] {
    let mut key = [0; 20];
    key[..16].copy_from_slice(blob.as_bytes());
    key[16..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The blob and the number in the key of a chunk.
pub fn parse_key(key: &[u8; 20]) -> (BlobId, u32) {
    let (blob, number) = key.split_first_chunk().expect("20 bytes are more than 16");
    let number = number.try_into().expect("4 bytes are left");
    (BlobId::from_bytes(*blob), u32::from_be_bytes(number))
}

/// The bytes in the record of a chunk.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<&[u8], Failure> {
    Ok(Decoder::new("chunk of an attachment", VERSION, record)?.rest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_blob_and_the_number() {
        let blob = BlobId::from_bytes([7; 16]);
        assert_eq!(parse_key(&key(blob, 0x0102_0304)), (blob, 0x0102_0304));
        assert!(key(blob, 1) < key(blob, 256));
    }
}
