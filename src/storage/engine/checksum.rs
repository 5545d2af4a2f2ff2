//! The checksum at the end of every entry in the file.
//!
//! The database verifies none when it reads. So what is stored under a key is the record and then the CRC-32 of the
//! key and the record, four bytes, little-endian; above the engine there are no checksums.

use crc32fast::Hasher;

use crate::error::Failure;
use crate::storage::table::Table;

/// How many bytes a checksum has.
pub(super) const CHECKSUM_BYTES: usize = 4;

/// The checksum of an entry.
pub(super) fn checksum(key: &[u8], record: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Hasher::new();
    hasher.update(key);
    hasher.update(record);
    hasher.finalize().to_le_bytes()
}

/// The record in what `table` has as `stored` under `key`, once its checksum is verified.
///
/// # Errors
///
/// [`Failure::Corrupt`] if the key or the record is not what was put.
pub(super) fn verify<'s, K>(
    table: &Table<K>,
    key: &[u8],
    stored: &'s [u8],
) -> Result<&'s [u8], Failure> {
    if !table.is_checked {
        return Ok(stored);
    }
    match stored.split_last_chunk() {
        Some((record, sum)) if *sum == checksum(key, record) => Ok(record),
        _ => Err(mismatch(table)),
    }
}

/// The same for an entry of `table` that is its key, of this length, and then what is stored under it.
///
/// # Errors
///
/// As [`verify`].
pub(super) fn verify_entry<'e, K>(
    table: &Table<K>,
    entry: &'e [u8],
    key_bytes: usize,
) -> Result<&'e [u8], Failure> {
    if !table.is_checked {
        return Ok(&entry[key_bytes..]);
    }
    match entry.split_last_chunk() {
        Some((checked, sum)) if *sum == crc32fast::hash(checked).to_le_bytes() => {
            checked.get(key_bytes..).ok_or_else(|| mismatch(table))
        }
        _ => Err(mismatch(table)),
    }
}

fn mismatch<K>(table: &Table<K>) -> Failure {
    let name = table.name;
    Failure::Corrupt(format!("{name}: an entry does not match its checksum"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::table::Fixed;

    #[test]
    fn every_flipped_bit_and_every_missing_byte_is_found() {
        let table: Table<Fixed<3>> = Table::new("table");
        let (key, record) = (*b"key", b"record");
        let stored = [&record[..], &checksum(&key, record)].concat();
        assert_eq!(verify(&table, &key, &stored), Ok(&record[..]));
        let entry = [&key[..], &stored].concat();
        assert_eq!(verify_entry(&table, &entry, key.len()), Ok(&record[..]));
        let is_found = |key: &[u8], stored: &[u8]| {
            let verified = verify(&table, key, stored);
            let entry = [key, stored].concat();
            assert_eq!(verify_entry(&table, &entry, key.len()), verified);
            matches!(verified, Err(Failure::Corrupt(text)) if text.contains("table"))
        };
        for bit in 0..8 * stored.len() {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(is_found(&key, &flipped), "bit {bit}");
        }
        for bit in 0..8 * key.len() {
            let mut flipped = key;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(is_found(&flipped, &stored), "bit {bit} of the key");
        }
        for length in 0..stored.len() {
            assert!(is_found(&key, &stored[..length]), "{length} bytes");
        }
    }
}
