//! From schema 1 to 2: the entries of the rotation journal may belong to any table, and a profile's status has
//! no record of its own.
//!
//! The old journal is applied to the records and emptied first.
//!
//! Everything here is the format as it was then, and stays.

use std::ops::{Bound, ControlFlow};

use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::Engine;
use crate::storage::table::{Fixed, Table};
use crate::tables::upgrade::old_journal::apply_journal;
use crate::tables::upgrade::{BATCH_MAX, Context};

const STATUSES: Table<Fixed<12>> = Table::unchecked("profile_standing");

const LOGIN_VERSION: u8 = 3;
const ENTRY_VERSION: u8 = 1;

pub(super) fn step(engine: &Engine, _: &Context<'_>) -> Result<Option<usize>, Failure> {
    match apply_journal(engine, decode_entry, with_rotation)? {
        Some(applied) => Ok(Some(applied)),
        None => remove_statuses(engine),
    }
}

/// A rotation as the journal had it: the key of a login, then its token, the token that it replaced, and when.
type Row = ([u8; 28], Rotated);

/// What a rotation changed in a record, up to schema 2.
pub(super) struct Rotated {
    token: [u8; 16],
    replaced: [u8; 16],
    at: [u8; 8],
}

fn decode_entry(entry: &[u8]) -> Result<Vec<Row>, Failure> {
    let mut decoder = Decoder::new("entry of the rotation journal", ENTRY_VERSION, entry)?;
    let _cycle = decoder.number()?;
    let _position: Option<[u8; 28]> = decoder.option(Decoder::array)?;
    let rows = decoder.list(|row| Ok((row.array()?, decode_rotated(row)?)))?;
    decoder.finish()?;
    Ok(rows)
}

pub(super) fn decode_rotated(decoder: &mut Decoder<'_>) -> Result<Rotated, Failure> {
    Ok(Rotated {
        token: decoder.array()?,
        replaced: decoder.array()?,
        at: decoder.array()?,
    })
}

/// The record of a login with this rotation as its last: the token, the time of its creation, the last rotation
/// if there is one, the name of its tenant. The records are those of schema 1 and 2.
pub(super) fn with_rotation(record: &[u8], rotation: &Rotated) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new("persistent login", LOGIN_VERSION, record)?;
    let _token: [u8; 16] = decoder.array()?;
    let created: [u8; 8] = decoder.array()?;
    let _rotation: Option<[u8; 24]> = decoder.option(Decoder::array)?;
    let tenant = decoder.text()?;
    decoder.finish()?;
    let record = Encoder::new(LOGIN_VERSION)
        .bytes(&rotation.token)
        .bytes(&created)
        .bool(true)
        .bytes(&rotation.replaced)
        .bytes(&rotation.at)
        .text(tenant);
    Ok(record.finish())
}

/// Removes some of the records of profiles' statuses, and their table with the last. Returns how many; `None` if
/// there was none.
fn remove_statuses(engine: &Engine) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let mut ids = Vec::new();
    file.scan(&STATUSES, Bound::Unbounded, |id, _| {
        ids.push(*id);
        Ok(if ids.len() < BATCH_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    for id in &ids {
        file.remove(&STATUSES, id)?;
    }
    if file.count(&STATUSES)? == 0 {
        file.delete_table(&STATUSES)?;
    }
    file.commit()?;
    Ok(Some(ids.len()).filter(|count| *count > 0))
}
