//! The rotation journal of the schemas up to 3, whose entries a step applies to the records and removes.
//!
//! All rows are applied, oldest first, whether they had been applied or not: the last one of a login is always there,
//! so that it has the last word.

use std::ops::{Bound, ControlFlow};

use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::table::{Fixed, Table};
use crate::tables::upgrade::BATCH_MAX;

const LOGINS: Table<Fixed<28>> = Table::unchecked("persistent_login");
const JOURNAL: Table<Fixed<8>> = Table::unchecked("rotation_journal");

/// Applies and removes the oldest entries of the journal. Returns how many rotations they had; `None` if there
/// was no entry. `decode_entry` reads the rotations of an entry, each with the key of its login; `with_rotation`
/// returns the record of a login after one.
pub(super) fn apply_journal<R>(
    engine: &Engine,
    decode_entry: impl Fn(&[u8]) -> Result<Vec<([u8; 28], R)>, Failure>,
    with_rotation: impl Fn(&[u8], &R) -> Result<Vec<u8>, Failure>,
) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let (mut numbers, mut rows) = (Vec::new(), Vec::new());
    file.scan(&JOURNAL, Bound::Unbounded, |number, entry| {
        if rows.len() >= BATCH_MAX {
            return Ok(ControlFlow::Break(()));
        }
        numbers.push(*number);
        rows.extend(decode_entry(entry?)?);
        Ok(ControlFlow::Continue(()))
    })?;
    if numbers.is_empty() {
        file.abort()?;
        return Ok(None);
    }
    // Stable, so that the last rotation of a login stays the last, and neighbors are next to each other.
    rows.sort_by_key(|(key, _)| *key);
    let count = rows.len();
    let changes = rows.iter().map(|(key, rotation)| (key, rotation));
    file.update(&LOGINS, changes, |rotation, record| {
        match record.and_then(|record| with_rotation(record, rotation)) {
            Err(Failure::Corrupt(cause)) => {
                tracing::warn!(cause, "a rotation of an unreadable login is dropped");
                Ok(None)
            }
            rotated => rotated.map(Some),
        }
    })?;
    for number in &numbers {
        file.remove(&JOURNAL, number)?;
    }
    file.commit()?;
    Ok(Some(count))
}
