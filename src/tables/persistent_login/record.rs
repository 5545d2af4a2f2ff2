//! The bytes of a persistent login's records.
//!
//! ```text
//! record   version 5 | created moment | tenant text | era | imported? key, count, sealed bytes | chain
//! chain    flags u8 | current | key | since? | rotation?
//! rotation at moment | current - parent? | window? | previous window? | late generations u8?
//! window   generation it ends at - first | resume - first | milliseconds from its beginning to the rotation
//! moment   milliseconds
//! ```
//!
//! Numbers, and the lengths of texts and bytes, have as few bytes as they take (LEB128; milliseconds zigzag). What
//! has a question mark is there if its flag is set. The chain is what a rotation changes, and so its delta.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use crate::clock::timeline::Moment;
use crate::domain::device::Device;
use crate::domain::login_state::{Era, ImportedTokens, KeyEpoch, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::domain::token_chain::{Generation, Rotation, SHARED_GENERATIONS, TokenChain, Window};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::usage::Usage;

const VERSION: u8 = 5;
const PROFILE_VERSION: u8 = 1;
const DEVICE_VERSION: u8 = 1;

/// The flags of a chain.
mod flag {
    /// There is a rotation.
    pub const ROTATED: u8 = 1;
    /// The parent is not the generation before the current one.
    pub const PARENT: u8 = 1 << 1;
    /// The window did not begin with the last rotation.
    pub const WINDOW: u8 = 1 << 2;
    /// There is a previous window.
    pub const PREVIOUS: u8 = 1 << 3;
    /// The parent was presented again late.
    pub const LATE: u8 = 1 << 4;
    /// Generations before the current ones were, too.
    pub const LATE_GENERATIONS: u8 = 1 << 5;
    /// The key is not that of the first generation.
    pub const SINCE: u8 = 1 << 6;
    /// No token was presented.
    pub const WITHOUT_TOKEN: u8 = 1 << 7;
}

/// What comes before the chain in a record.
struct Head<'r> {
    created: Moment,
    tenant: &'r str,
    era: Era,
    imported: Option<Imported<'r>>,
}

/// As [`ImportedTokens`].
struct Imported<'r> {
    key: u32,
    count: Generation,
    sealed: &'r [u8],
}

impl<'r> Head<'r> {
    fn encode(&self, encoder: Encoder) -> Encoder {
        encoder
            .moment(self.created)
            .varint_bytes(self.tenant.as_bytes())
            .varint(self.era)
            .option(self.imported.as_ref(), |record, imported| {
                record
                    .varint(imported.key.into())
                    .varint(imported.count.into())
                    .varint_bytes(imported.sealed)
            })
    }

    fn decode(decoder: &mut Decoder<'r>) -> Result<Self, Failure> {
        let created = decoder.moment()?;
        let tenant = str::from_utf8(decoder.varint_bytes()?)
            .map_err(|_| decoder.corrupt(format_args!("its tenant is not UTF-8")))?;
        let era = decoder.varint()?;
        let imported = decoder.option(|record| {
            Ok(Imported {
                key: number(record)?,
                count: number(record)?,
                sealed: record.varint_bytes()?,
            })
        })?;
        Ok(Self {
            created,
            tenant,
            era,
            imported,
        })
    }
}

/// The record of a login.
pub fn encode(login: &LoginState) -> Vec<u8> {
    let head = Head {
        created: login.created,
        tenant: login.tenant.as_str(),
        era: login.era,
        imported: login.imported.as_ref().map(|imported| Imported {
            key: imported.key,
            count: imported.count,
            sealed: imported.sealed(),
        }),
    };
    let record = head.encode(Encoder::new(VERSION));
    chain(record, &login.chain, login.key).finish()
}

/// The login with this key and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(key: LoginKey, record: &[u8]) -> Result<LoginState, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let head = Head::decode(&mut decoder)?;
    let (chain, epoch) = decode_chain(&mut decoder)?;
    let imported = match head.imported {
        Some(Imported { key, count, sealed }) => {
            // On the heap: few logins have them, and every login is moved several times.
            let tokens = ImportedTokens::from_sealed(key, count, sealed).map(Arc::new);
            Some(tokens.ok_or_else(|| decoder.corrupt(format_args!("imported tokens are cut")))?)
        }
        None => None,
    };
    decoder.finish()?;
    Ok(LoginState {
        id: key.id,
        tenant: tenant_name(head.tenant)?,
        profile_id: key.profile_id,
        created: head.created,
        era: head.era,
        chain,
        key: epoch,
        imported,
    })
}

/// Calls `put` with what the last rotation of `login` changed.
pub(super) fn with_rotation<T>(login: &LoginState, put: impl FnOnce(&[u8]) -> T) -> T {
    let mut memory = DELTA.take();
    memory.clear();
    let delta = chain(Encoder::behind(memory), &login.chain, login.key).finish();
    let outcome = put(&delta);
    DELTA.set(delta);
    outcome
}

/// Appends to `rotated` the record after the rotation with this delta. Imported tokens of which none is accepted
/// any more are left out.
pub(super) fn apply_rotation(
    record: &[u8],
    delta: &[u8],
    rotated: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let mut head = Head::decode(&mut decoder)?;
    let mut rotation = Decoder::unversioned("rotation of a persistent login", delta);
    let (chain, _) = decode_chain(&mut rotation)?;
    rotation.finish()?;
    head.imported = head
        .imported
        .filter(|imported| chain.first_accepted() < imported.count);
    let encoder = Encoder::behind(mem::take(rotated)).bytes(&[VERSION]);
    *rotated = head.encode(encoder).bytes(delta).finish();
    Ok(())
}

/// What the last rotation of the login with this record changed.
pub(super) fn rotation_of(record: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    Head::decode(&mut decoder)?;
    Ok(decoder.rest().to_vec())
}

/// Reads the usage of the login with this key and record.
pub(super) fn decode_usage(key: LoginKey, record: &[u8]) -> Result<Usage, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let head = Head::decode(&mut decoder)?;
    let (chain, epoch) = decode_chain(&mut decoder)?;
    Ok(Usage {
        profile_id: key.profile_id,
        id: key.id,
        era: head.era,
        key: epoch.number,
        created: head.created,
        last_used: chain.rotation.map_or(head.created, |rotation| rotation.at),
    })
}

fn chain(encoder: Encoder, chain: &TokenChain, key: KeyEpoch) -> Encoder {
    let since = (key.since > 0).then_some(key.since);
    let current = chain.current;
    let mut flags = if since.is_some() { flag::SINCE } else { 0 };
    let rotation = chain.rotation.map(|rotation| {
        let parent = Some(current - rotation.parent).filter(|back| *back > 1);
        let began = Window {
            first: rotation.parent,
            resume: rotation.parent + 1,
            began: rotation.at,
        };
        let window = Some(rotation.window).filter(|window| *window != began);
        let late = Some(rotation.late_generations).filter(|count| *count > 0);
        flags |= flag::ROTATED
            | if parent.is_some() { flag::PARENT } else { 0 }
            | if window.is_some() { flag::WINDOW } else { 0 }
            | if rotation.previous.is_some() {
                flag::PREVIOUS
            } else {
                0
            }
            | if rotation.is_late { flag::LATE } else { 0 }
            | if rotation.without_token {
                flag::WITHOUT_TOKEN
            } else {
                0
            }
            | if late.is_some() {
                flag::LATE_GENERATIONS
            } else {
                0
            };
        (rotation, parent, window, late)
    });
    let mut encoder = encoder
        .bytes(&[flags])
        .varint(current.into())
        .varint(key.number.into());
    if let Some(since) = since {
        encoder = encoder.varint(since.into());
    }
    let Some((rotation, parent, window, late)) = rotation else {
        return encoder;
    };
    encoder = encoder.moment(rotation.at);
    if let Some(parent) = parent {
        encoder = encoder.varint(parent.into());
    }
    if let Some(window) = window {
        encoder = encode_window(encoder, window, current, rotation.at);
    }
    if let Some(previous) = rotation.previous {
        encoder = encode_window(encoder, previous, rotation.window.first, rotation.at);
    }
    match late {
        Some(late) => encoder.bytes(&[late]),
        None => encoder,
    }
}

fn decode_chain(decoder: &mut Decoder<'_>) -> Result<(TokenChain, KeyEpoch), Failure> {
    let [flags] = decoder.array()?;
    let has = |flag| flags & flag != 0;
    let current: Generation = number(decoder)?;
    let key = KeyEpoch {
        number: number(decoder)?,
        since: if has(flag::SINCE) {
            number(decoder)?
        } else {
            0
        },
    };
    if !has(flag::ROTATED) {
        let chain = TokenChain {
            current,
            rotation: None,
        };
        return Ok((chain, key));
    }
    let at = decoder.moment()?;
    let back = if has(flag::PARENT) {
        number(decoder)?
    } else {
        1
    };
    let parent = back_from(decoder, current, back)?;
    let window = if has(flag::WINDOW) {
        decode_window(decoder, current, at)?
    } else {
        Window {
            first: parent,
            resume: parent + 1,
            began: at,
        }
    };
    let previous = if has(flag::PREVIOUS) {
        Some(decode_window(decoder, window.first, at)?)
    } else {
        None
    };
    let late_generations = if has(flag::LATE_GENERATIONS) {
        let [late] = decoder.array()?;
        late.min(SHARED_GENERATIONS)
    } else {
        0
    };
    let rotation = Rotation {
        at,
        parent,
        window,
        previous,
        late_generations,
        is_late: has(flag::LATE),
        without_token: has(flag::WITHOUT_TOKEN),
    };
    let chain = TokenChain {
        current,
        rotation: Some(rotation),
    };
    Ok((chain, key))
}

fn encode_window(encoder: Encoder, window: Window, end: Generation, at: Moment) -> Encoder {
    let age = at.as_millis().saturating_sub(window.began.as_millis());
    encoder
        .varint(end.saturating_sub(window.first).into())
        .varint(window.resume.saturating_sub(window.first).into())
        .varint(u64::try_from(age).unwrap_or(0))
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
    let age = decoder.varint()?;
    Ok(Window {
        first,
        resume,
        began: at.minus(std::time::Duration::from_millis(age)),
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

thread_local! {
    /// Memory for the delta of a rotation, which is encoded all the time.
    static DELTA: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };

    /// The tenant of the record that this thread decoded last. Most have the same, whose name is shared then.
    static LAST_TENANT: RefCell<Option<TenantName>> = const { RefCell::new(None) };
}

/// The tenant with this name, which is stored in a record of another resource.
///
/// # Errors
///
/// [`Failure::Corrupt`] if the name is empty.
pub(in crate::tables) fn tenant_name(text: &str) -> Result<TenantName, Failure> {
    LAST_TENANT.with_borrow_mut(|last| {
        if let Some(name) = last
            && name.as_str() == text
        {
            return Ok(name.clone());
        }
        let name = TenantName::new(text)
            .ok_or_else(|| Failure::Corrupt("the name of a tenant is empty".to_owned()))?;
        *last = Some(name.clone());
        Ok(name)
    })
}

/// The record of a login's id, which has its profile.
pub fn encode_profile(profile_id: ObjectId) -> Vec<u8> {
    Encoder::new(PROFILE_VERSION)
        .bytes(profile_id.as_bytes())
        .finish()
}

/// The profile in the record of a login's id.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_profile(record: &[u8]) -> Result<ObjectId, Failure> {
    let mut decoder = Decoder::new("profile of a persistent login", PROFILE_VERSION, record)?;
    let profile_id = ObjectId::from_bytes(decoder.array()?);
    decoder.finish()?;
    Ok(profile_id)
}

pub(super) fn encode_device(device: &Device) -> Vec<u8> {
    Encoder::new(DEVICE_VERSION)
        .option(device.label.as_deref(), Encoder::text)
        .option(device.user_agent.as_deref(), Encoder::text)
        .option(device.ip_address.as_deref(), Encoder::text)
        .finish()
}

/// The device in its record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_device(entry: &[u8]) -> Result<Device, Failure> {
    let mut decoder = Decoder::new("device", DEVICE_VERSION, entry)?;
    let mut text = || decoder.option(|record| record.text().map(str::to_owned));
    let device = Device {
        label: text()?,
        user_agent: text()?,
        ip_address: text()?,
    };
    decoder.finish()?;
    Ok(device)
}

#[cfg(test)]
mod properties;
