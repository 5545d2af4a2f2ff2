//! What the database remembers of the time: where the clock was, and which time each recorded moment is.

use std::time::Duration;

use uuid::Uuid;

use crate::clock::belief::SavedClock;
use crate::clock::timeline::{Moment, SEGMENTS_MAX, Segment, Timeline};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::engine::write::EngineWrite;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const CLOCK: Table<Text> = Table::new(TABLE_NAME);

/// The name of the table in the file.
pub const TABLE_NAME: &str = "clock";

const SAVED: &str = "saved";
const TIMELINE: &str = "timeline";
const VERSION: u8 = 1;

/// Where the clock was when it was saved last, if it ever was.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn saved(txn: &impl Read) -> Result<Option<SavedClock>, Failure> {
    txn.get(&CLOCK, SAVED, decode_saved)
}

/// Saves where the clock is.
///
/// # Errors
///
/// Of the storage.
pub fn put_saved(txn: &WriteTxn, saved: &SavedClock) -> Result<(), Failure> {
    txn.put(&CLOCK, SAVED, &encode_saved(saved))
}

/// As [`put_saved`], in an upgrade.
///
/// # Errors
///
/// Of the storage.
pub fn put_upgraded(file: &EngineWrite, saved: &SavedClock) -> Result<(), Failure> {
    file.put(&CLOCK, SAVED, &encode_saved(saved))
}

/// Which time each moment is.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn timeline(txn: &impl Read) -> Result<Timeline, Failure> {
    let found = txn.get(&CLOCK, TIMELINE, decode_timeline)?;
    Ok(found.unwrap_or_default())
}

/// Puts which time each moment is.
///
/// # Errors
///
/// Of the storage.
pub fn put_timeline(txn: &WriteTxn, timeline: &Timeline) -> Result<(), Failure> {
    txn.put(&CLOCK, TIMELINE, &encode_timeline(timeline))
}

/// Verifies an entry. Returns a number that is higher in later ones under the same key.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(key: &[u8], record: &[u8]) -> Result<i64, Failure> {
    let moment = match str::from_utf8(key) {
        Ok(SAVED) => Some(decode_saved(record)?.moment),
        Ok(TIMELINE) => {
            let timeline = decode_timeline(record)?;
            timeline.segments().last().map(|segment| segment.end)
        }
        _ => return Err(Failure::Corrupt("clock: its key is not known".to_owned())),
    };
    Ok(moment.map_or(0, Moment::as_millis))
}

fn encode_saved(saved: &SavedClock) -> Vec<u8> {
    let moments = [
        saved.moment,
        saved.end,
        saved.run,
        saved.before_run,
        saved.steady_since,
    ];
    let record = moments.into_iter().fold(Encoder::new(VERSION), moment);
    record
        .option(saved.boot, |record, (boot, uptime)| {
            let millis = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
            record.bytes(boot.as_bytes()).number(millis)
        })
        .option(saved.provisional, |record, offset| {
            record.bytes(&offset.to_le_bytes())
        })
        .finish()
}

fn decode_saved(record: &[u8]) -> Result<SavedClock, Failure> {
    let mut decoder = Decoder::new("saved clock", VERSION, record)?;
    let saved = SavedClock {
        moment: decode_moment(&mut decoder)?,
        end: decode_moment(&mut decoder)?,
        run: decode_moment(&mut decoder)?,
        before_run: decode_moment(&mut decoder)?,
        steady_since: decode_moment(&mut decoder)?,
        boot: decoder.option(|decoder| {
            let boot = Uuid::from_bytes(decoder.array()?);
            Ok((boot, Duration::from_millis(decoder.number()?)))
        })?,
        provisional: decoder.option(|decoder| Ok(i64::from_le_bytes(decoder.array()?)))?,
    };
    decoder.finish()?;
    Ok(saved)
}

fn encode_timeline(timeline: &Timeline) -> Vec<u8> {
    Encoder::new(VERSION)
        .list(timeline.segments(), |record, segment| {
            let record = moment(moment(record, segment.start), segment.end);
            record.bytes(&segment.offset.to_le_bytes())
        })
        .finish()
}

fn decode_timeline(record: &[u8]) -> Result<Timeline, Failure> {
    let mut decoder = Decoder::new("timeline", VERSION, record)?;
    let segments = decoder.list(|decoder| {
        Ok(Segment {
            start: decode_moment(decoder)?,
            end: decode_moment(decoder)?,
            offset: i64::from_le_bytes(decoder.array()?),
        })
    })?;
    if segments.len() > SEGMENTS_MAX || !segments.is_sorted_by_key(|segment| segment.start) {
        return Err(decoder.corrupt(format_args!("its segments are not in order")));
    }
    decoder.finish()?;
    Ok(Timeline::new(segments))
}

fn moment(record: Encoder, moment: Moment) -> Encoder {
    record.bytes(&moment.as_millis().to_le_bytes())
}

fn decode_moment(decoder: &mut Decoder<'_>) -> Result<Moment, Failure> {
    Ok(Moment::from_millis(i64::from_le_bytes(decoder.array()?)))
}

#[cfg(test)]
mod properties;
