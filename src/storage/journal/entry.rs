//! The entries of the journal: how far applying had come, and the changes of one commit.
//!
//! ```text
//! version 4 | cycle u64 | position? tag u8, length u8, key | rows u32 | group*
//! group     tag u8 | key length u8 | rows u32 | (key, length u8, delta)*
//! ```
//!
//! All keys of a group have the length of its table's keys. `src/tables/upgrade` has the earlier versions.

use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::journal::cursor::ApplyCursor;
use crate::storage::table::{DELTA_BYTES_MAX, RowFormat, RowKey};

const VERSION: u8 = 4;

/// How many bytes come before the rows, at most.
const HEADER_BYTES: usize = 64;

/// The entry of a commit after which the cursor is at `cursor`, and which changed rows of tables of these
/// formats by these deltas.
///
/// # Errors
///
/// [`Failure::Internal`] for a key or a delta that has another length than its table's.
pub(super) fn encode<'r>(
    cursor: ApplyCursor,
    formats: impl Iterator<Item = &'r RowFormat>,
    rows: &[(&RowKey, &[u8])],
) -> Result<Vec<u8>, Failure> {
    let row_bytes = |(row, delta): &(&RowKey, &[u8])| row.key().len() + 1 + delta.len();
    let capacity = HEADER_BYTES + rows.iter().map(row_bytes).sum::<usize>();
    let mut entry = Encoder::with_capacity(VERSION, capacity)
        .number(cursor.cycle)
        .option(cursor.position, |entry, row| {
            entry.bytes(&[row.tag()]).short_bytes(row.key())
        })
        .count(rows.len());
    for format in formats {
        let group = || rows.iter().filter(|(row, _)| row.tag() == format.tag);
        let count = group().count();
        if count == 0 {
            continue;
        }
        let key_bytes = u8::try_from(format.key_bytes);
        let key_bytes = key_bytes.map_err(|_| Failure::Internal("a key is too long".to_owned()))?;
        entry = entry.bytes(&[format.tag, key_bytes]).count(count);
        for (row, delta) in group() {
            if row.key().len() != format.key_bytes || delta.len() > DELTA_BYTES_MAX {
                return Err(Failure::Internal(format!("row {row:?} has a wrong length")));
            }
            entry = entry.bytes(row.key()).short_bytes(delta);
        }
    }
    Ok(entry.finish())
}

/// The cursor and the number of rows of an entry, and the decoder that goes on with its groups.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub(super) fn decode_header(entry: &[u8]) -> Result<(ApplyCursor, usize, Decoder<'_>), Failure> {
    let mut decoder = Decoder::new("entry of the rotation journal", VERSION, entry)?;
    let cycle = decoder.number()?;
    let position = decoder.option(|entry| {
        let [tag] = entry.array()?;
        let key = entry.short_bytes()?;
        RowKey::new(tag, key).ok_or_else(|| entry.corrupt(format_args!("a key is too long")))
    })?;
    let rows = decoder.count()?;
    Ok((ApplyCursor { cycle, position }, rows, decoder))
}

/// Calls `visit` with each row of an entry and its delta; `rows` and `decoder` are what
/// [`decode_header`] returned.
///
/// # Errors
///
/// [`Failure::Corrupt`], also for a table that is none of these formats; what `visit` fails with.
pub(super) fn decode_rows(
    rows: usize,
    mut decoder: Decoder<'_>,
    formats: &[RowFormat],
    mut visit: impl FnMut(RowKey, &[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left = rows;
    while left > 0 {
        let [tag, key_bytes] = decoder.array()?;
        let key_bytes = usize::from(key_bytes);
        let count = decoder.count()?;
        let is_known = formats
            .iter()
            .any(|format| (format.tag, format.key_bytes) == (tag, key_bytes));
        if !is_known || count == 0 {
            return Err(decoder.corrupt(format_args!("it has rows of an unknown table {tag}")));
        }
        left = left
            .checked_sub(count)
            .ok_or_else(|| decoder.corrupt(format_args!("it has more rows than it says")))?;
        for _ in 0..count {
            let key = decoder.bytes(key_bytes)?;
            let row = RowKey::new(tag, key);
            let row = row.ok_or_else(|| decoder.corrupt(format_args!("a key is too long")))?;
            visit(row, decoder.short_bytes()?)?;
        }
    }
    decoder.finish()
}
