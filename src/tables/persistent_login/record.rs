//! The bytes of a persistent login's records.

use std::cell::RefCell;
use std::mem;

use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, Rotation, Token};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::usage::Usage;

const VERSION: u8 = 3;
const PROFILE_VERSION: u8 = 1;
const DEVICE_VERSION: u8 = 1;

/// What a record holds.
struct Record<'r> {
    token: Token,
    timestamp: Timestamp,
    rotation: Option<Rotation>,
    tenant: &'r str,
}

impl<'r> Record<'r> {
    fn encode(&self, encoder: Encoder) -> Vec<u8> {
        encoder
            .uuid(self.token.reveal())
            .timestamp(self.timestamp)
            .option(self.rotation, |record, rotation| {
                record
                    .uuid(rotation.replaced.reveal())
                    .timestamp(rotation.at)
            })
            .text(self.tenant)
            .finish()
    }

    fn decode(record: &'r [u8]) -> Result<Self, Failure> {
        let mut decoder = Decoder::new("persistent login", VERSION, record)?;
        let token = Token::new(decoder.uuid()?);
        let timestamp = decoder.timestamp()?;
        let rotation = decoder.option(|record| {
            Ok(Rotation {
                replaced: Token::new(record.uuid()?),
                at: record.timestamp()?,
            })
        })?;
        let tenant = decoder.text()?;
        decoder.finish()?;
        Ok(Self {
            token,
            timestamp,
            rotation,
            tenant,
        })
    }
}

pub(super) fn encode(login: &PersistentLogin) -> Vec<u8> {
    let record = Record {
        token: login.token,
        timestamp: login.timestamp,
        rotation: login.rotation,
        tenant: login.tenant.as_str(),
    };
    record.encode(Encoder::new(VERSION))
}

/// How many bytes the delta of a rotation has: the new token, the one it replaced, and the time.
pub(super) const ROTATION_BYTES: usize = 40;

/// What the last rotation of `login` changed; `None` if it was never rotated.
pub(super) fn encode_rotation(login: &PersistentLogin) -> Option<[u8; ROTATION_BYTES]> {
    let rotation = login.rotation?;
    let mut delta = [0; ROTATION_BYTES];
    delta[..16].copy_from_slice(login.token.reveal().as_bytes());
    delta[16..32].copy_from_slice(rotation.replaced.reveal().as_bytes());
    delta[32..].copy_from_slice(&rotation.at.as_millis().to_le_bytes());
    Some(delta)
}

/// Appends to `rotated` the record after the rotation with this delta.
pub(super) fn apply_rotation(
    record: &[u8],
    delta: &[u8],
    rotated: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut rotation = Decoder::unversioned("rotation of a persistent login", delta);
    let token = Token::new(rotation.uuid()?);
    let replaced = Token::new(rotation.uuid()?);
    let at = rotation.timestamp()?;
    rotation.finish()?;
    let record = Record {
        token,
        rotation: Some(Rotation { replaced, at }),
        ..Record::decode(record)?
    };
    *rotated = record.encode(Encoder::behind(mem::take(rotated), VERSION));
    Ok(())
}

pub(super) fn decode(key: LoginKey, record: &[u8]) -> Result<PersistentLogin, Failure> {
    let record = Record::decode(record)?;
    Ok(PersistentLogin {
        id: key.id,
        tenant: tenant_name(record.tenant)?,
        profile_id: key.profile_id,
        token: record.token,
        timestamp: record.timestamp,
        rotation: record.rotation,
    })
}

thread_local! {
    /// The tenant of the login that this thread decoded last. Most have the same, whose name is shared then.
    static LAST_TENANT: RefCell<Option<TenantName>> = const { RefCell::new(None) };
}

fn tenant_name(text: &str) -> Result<TenantName, Failure> {
    LAST_TENANT.with_borrow_mut(|last| {
        if let Some(name) = last
            && name.as_str() == text
        {
            return Ok(name.clone());
        }
        let name = TenantName::new(text).ok_or_else(|| {
            Failure::Corrupt("persistent login: its tenant has no name".to_owned())
        })?;
        *last = Some(name.clone());
        Ok(name)
    })
}

/// Reads the beginning of a record alone.
pub(super) fn decode_usage(key: LoginKey, record: &[u8]) -> Result<Usage, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let _token = decoder.uuid()?;
    let created = decoder.timestamp()?;
    let rotated = decoder.option(|record| {
        let _replaced = record.uuid()?;
        record.timestamp()
    })?;
    Ok(Usage {
        id: key.id,
        created,
        last_used: rotated.unwrap_or(created),
    })
}

pub(super) fn encode_profile(profile_id: ObjectId) -> Vec<u8> {
    Encoder::new(PROFILE_VERSION)
        .bytes(profile_id.as_bytes())
        .finish()
}

pub(super) fn decode_profile(record: &[u8]) -> Result<ObjectId, Failure> {
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

pub(super) fn decode_device(entry: &[u8]) -> Result<Device, Failure> {
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::domain::persistent_login::PersistentLoginId;

    use super::*;

    fn login(rotation: Option<Rotation>) -> PersistentLogin {
        PersistentLogin {
            id: PersistentLoginId::new(Uuid::from_u128(42)),
            tenant: TenantName::new("default").expect("not empty"),
            profile_id: ObjectId::from_bytes([9; 12]),
            token: Token::new(Uuid::from_u128(43)),
            timestamp: Timestamp::from_millis(1_495_665_332_589),
            rotation,
        }
    }

    #[test]
    fn records_decode_to_what_was_encoded() {
        let rotation = Rotation {
            replaced: Token::new(Uuid::from_u128(41)),
            at: Timestamp::from_millis(7),
        };
        for login in [login(None), login(Some(rotation))] {
            let usage = Usage {
                id: login.id,
                created: login.timestamp,
                last_used: login.last_used(),
            };
            let key = LoginKey::of(&login);
            assert_eq!(decode_usage(key, &encode(&login)), Ok(usage));
            assert_eq!(decode(key, &encode(&login)), Ok(login));
        }
        let device = Device {
            label: Some("Kitchen tablet".to_owned()),
            user_agent: None,
            ip_address: Some("::1".to_owned()),
        };
        assert_eq!(decode_device(&encode_device(&device)), Ok(device));
    }

    #[test]
    fn a_rotation_applies_to_a_record_with_or_without_an_earlier_one() {
        let rotation = |replaced, at| Rotation {
            replaced: Token::new(Uuid::from_u128(replaced)),
            at: Timestamp::from_millis(at),
        };
        for before in [login(None), login(Some(rotation(3, 4)))] {
            assert_eq!(encode_rotation(&login(None)), None);
            let after = PersistentLogin {
                token: Token::new(Uuid::from_u128(99)),
                ..login(Some(rotation(43, 8)))
            };
            let delta = encode_rotation(&after).expect("it was rotated");
            let mut record = Vec::new();
            apply_rotation(&encode(&before), &delta, &mut record).expect("both decode");
            assert_eq!(decode(LoginKey::of(&after), &record), Ok(after));
            let short = apply_rotation(&encode(&before), &delta[1..], &mut record);
            assert!(matches!(short, Err(Failure::Corrupt(_))));
        }
    }
}
