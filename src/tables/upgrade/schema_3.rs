//! Logins and their rotations as schema 3 had them.
//!
//! ```text
//! record   version 4 | created moment | tenant text | imported? key, count, sealed bytes | chain
//! chain    flags u8 | current | key | since? | rotation?
//! rotation at moment | current - parent? | window? | previous window? | late generations u8?
//! window   generation it ends at - first | resume - first | milliseconds from its beginning to the rotation
//! moment   0 | milliseconds
//! entry    version 3 | cycle u64 | position? tag u8, length u8, key | rows u32 | group*
//! group    tag u8 | key length u8 | rows u32 | (key, length u8, chain)*
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::clock::timeline::Moment;
use crate::domain::login_state::{ImportedTokens, KeyEpoch, LoginState};
use crate::domain::tenant::TenantName;
use crate::domain::token_chain::{Generation, Rotation, SHARED_GENERATIONS, TokenChain, Window};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::tables::persistent_login::key::LoginKey;

const LOGIN_VERSION: u8 = 4;
const ENTRY_VERSION: u8 = 3;

/// The tag of the logins' table in the journal.
const LOGINS_TAG: u8 = 1;

const ROTATED: u8 = 1;
const PARENT: u8 = 1 << 1;
const WINDOW: u8 = 1 << 2;
const PREVIOUS: u8 = 1 << 3;
const LATE: u8 = 1 << 4;
const LATE_GENERATIONS: u8 = 1 << 5;
const SINCE: u8 = 1 << 6;

/// The record of a login that was imported from schema 2: its key is that of the first generation, and its one
/// rotation, if there was any, is that of the first generation.
pub(super) fn encode_imported(login: &LoginState, imported: &ImportedTokens) -> Vec<u8> {
    let rotation = login.chain.rotation.map(|rotation| rotation.at);
    let record = moment(Encoder::new(LOGIN_VERSION), login.created)
        .varint_bytes(login.tenant.as_str().as_bytes())
        .bool(true)
        .varint(imported.key.into())
        .varint(imported.count.into())
        .varint_bytes(imported.sealed())
        .bytes(&[if rotation.is_some() { ROTATED } else { 0 }])
        .varint(login.chain.current.into())
        .varint(login.key.number.into());
    match rotation {
        Some(at) => moment(record, at).finish(),
        None => record.finish(),
    }
}

/// The login of a record.
pub(super) fn decode_login(key: LoginKey, record: &[u8]) -> Result<LoginState, Failure> {
    let mut decoder = Decoder::new("persistent login", LOGIN_VERSION, record)?;
    let (created, tenant, imported) = decode_head(&mut decoder)?;
    let (chain, epoch) = decode_chain(&mut decoder)?;
    let tenant = str::from_utf8(tenant).ok().and_then(TenantName::new);
    let tenant = tenant.ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    decoder.finish()?;
    Ok(LoginState {
        id: key.id,
        tenant,
        profile_id: key.profile_id,
        created,
        era: 0,
        chain,
        key: epoch,
        imported: imported.map(Arc::new),
    })
}

/// The record of a login after the rotation with this delta, which is its chain.
pub(super) fn with_rotation(record: &[u8], delta: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new("persistent login", LOGIN_VERSION, record)?;
    decode_head(&mut decoder)?;
    let chain = decoder.rest();
    let head = &record[..record.len() - chain.len()];
    Ok([head, delta].concat())
}

/// Whether one of the imported tokens is accepted, or may be, from this generation on.
pub(super) fn needs_imported(first_accepted: Generation, imported: &ImportedTokens) -> bool {
    first_accepted < imported.count
}

/// A row of the journal: the key of a login, and its chain.
type Row = ([u8; 28], Vec<u8>);

/// The rows of an entry of the journal.
pub(super) fn decode_entry(entry: &[u8]) -> Result<Vec<Row>, Failure> {
    let mut decoder = Decoder::new("entry of the rotation journal", ENTRY_VERSION, entry)?;
    let _cycle = decoder.number()?;
    decoder.option(|entry| {
        let [_tag] = entry.array()?;
        entry.short_bytes()
    })?;
    let mut left = decoder.count()?;
    let mut rows = Vec::new();
    while left > 0 {
        let lengths = decoder.array()?;
        let count = decoder.count()?;
        if lengths != [LOGINS_TAG, 28] || count == 0 || count > left {
            return Err(decoder.corrupt(format_args!("it has rows of an unknown table")));
        }
        for _ in 0..count {
            rows.push((decoder.array()?, decoder.short_bytes()?.to_vec()));
        }
        left -= count;
    }
    decoder.finish()?;
    Ok(rows)
}

/// What comes before the chain: when the login was created, its tenant, its imported tokens.
type Head<'r> = (Moment, &'r [u8], Option<ImportedTokens>);

fn decode_head<'r>(decoder: &mut Decoder<'r>) -> Result<Head<'r>, Failure> {
    let created = decode_moment(decoder)?;
    let tenant = decoder.varint_bytes()?;
    let imported = decoder.option(|record| {
        let (key, count) = (number(record)?, number(record)?);
        let tokens = ImportedTokens::from_sealed(key, count, record.varint_bytes()?);
        tokens.ok_or_else(|| record.corrupt(format_args!("imported tokens are cut")))
    })?;
    Ok((created, tenant, imported))
}

fn decode_chain(decoder: &mut Decoder<'_>) -> Result<(TokenChain, KeyEpoch), Failure> {
    let [flags] = decoder.array()?;
    let has = |flag| flags & flag != 0;
    let current: Generation = number(decoder)?;
    let key = KeyEpoch {
        number: number(decoder)?,
        since: number_if(has(SINCE), decoder, 0)?,
    };
    if !has(ROTATED) {
        let rotation = None;
        return Ok((TokenChain { current, rotation }, key));
    }
    let at = decode_moment(decoder)?;
    let back = number_if(has(PARENT), decoder, 1)?;
    let parent = back_from(decoder, current, back)?;
    let window = if has(WINDOW) {
        decode_window(decoder, current, at)?
    } else {
        Window {
            first: parent,
            resume: parent + 1,
            began: at,
        }
    };
    let previous = if has(PREVIOUS) {
        Some(decode_window(decoder, window.first, at)?)
    } else {
        None
    };
    let late_generations = if has(LATE_GENERATIONS) {
        let [late] = decoder.array()?;
        late.min(SHARED_GENERATIONS)
    } else {
        0
    };
    let rotation = Some(Rotation {
        at,
        parent,
        window,
        previous,
        late_generations,
        is_late: has(LATE),
        without_token: false,
    });
    Ok((TokenChain { current, rotation }, key))
}

fn decode_window(
    decoder: &mut Decoder<'_>,
    end: Generation,
    at: Moment,
) -> Result<Window, Failure> {
    let back = number(decoder)?;
    let first = back_from(decoder, end, back)?;
    let resume = first.checked_add(number(decoder)?);
    let resume = resume.ok_or_else(|| decoder.corrupt(format_args!("a window is too long")))?;
    let age = Duration::from_millis(decoder.varint()?);
    Ok(Window {
        first,
        resume,
        began: at.minus(age),
    })
}

fn back_from(
    decoder: &Decoder<'_>,
    generation: Generation,
    back: Generation,
) -> Result<Generation, Failure> {
    let first = generation.checked_sub(back);
    first.ok_or_else(|| decoder.corrupt(format_args!("a generation is before the first")))
}

fn number(decoder: &mut Decoder<'_>) -> Result<u32, Failure> {
    let number = decoder.varint()?;
    u32::try_from(number).map_err(|_| decoder.corrupt(format_args!("{number} is too large")))
}

fn number_if(is_there: bool, decoder: &mut Decoder<'_>, otherwise: u32) -> Result<u32, Failure> {
    if is_there {
        number(decoder)
    } else {
        Ok(otherwise)
    }
}

fn moment(encoder: Encoder, moment: Moment) -> Encoder {
    let millis = moment.as_millis();
    let zigzag = (millis << 1) ^ (millis >> 63);
    encoder.varint(0).varint(zigzag.cast_unsigned())
}

fn decode_moment(decoder: &mut Decoder<'_>) -> Result<Moment, Failure> {
    let run = decoder.varint()?;
    if run != 0 {
        return Err(decoder.corrupt(format_args!("run {run} is not known")));
    }
    let zigzag = decoder.varint()?;
    let millis = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
    Ok(Moment::from_millis(millis))
}
