//! The bytes of a persistent login's records, and of the keys of its index.

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Rotation, Token};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login::Usage;
use crate::tables::persistent_login::key::Place;

const VERSION: u8 = 3;
const PROFILE_VERSION: u8 = 1;
const DEVICE_VERSION: u8 = 1;
const CREATION_VERSION: u8 = 1;

/// What a record holds.
struct Record<'r> {
    token: Token,
    timestamp: Timestamp,
    rotation: Option<Rotation>,
    tenant: &'r str,
}

impl<'r> Record<'r> {
    fn encode(&self) -> Vec<u8> {
        Encoder::new(VERSION)
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
    record.encode()
}

/// The record with `rotated` as its last rotation.
pub(super) fn encode_rotated(record: &[u8], rotated: Rotated) -> Result<Vec<u8>, Failure> {
    let record = Record {
        token: rotated.token,
        rotation: Some(rotated.rotation),
        ..Record::decode(record)?
    };
    Ok(record.encode())
}

pub(super) fn decode(place: Place, record: &[u8]) -> Result<PersistentLogin, Failure> {
    let record = Record::decode(record)?;
    Ok(PersistentLogin {
        id: place.id,
        tenant: TenantName::new(record.tenant).ok_or_else(|| {
            Failure::Corrupt("persistent login: its tenant has no name".to_owned())
        })?,
        profile_id: place.profile_id,
        token: record.token,
        timestamp: record.timestamp,
        rotation: record.rotation,
    })
}

/// Reads the beginning of a record alone.
pub(super) fn decode_usage(place: Place, record: &[u8]) -> Result<Usage, Failure> {
    let mut decoder = Decoder::new("persistent login", VERSION, record)?;
    let _token = decoder.uuid()?;
    let created = decoder.timestamp()?;
    let rotated = decoder.option(|record| {
        let _replaced = record.uuid()?;
        record.timestamp()
    })?;
    Ok(Usage {
        id: place.id,
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

pub(super) fn encode_creation() -> Vec<u8> {
    Encoder::new(CREATION_VERSION).finish()
}

/// The creation time so that bytes sort like times (big-endian, the sign bit turned), then the id.
pub(super) fn creation_key(created: Timestamp, id: PersistentLoginId) -> [u8; 24] {
    let mut key = [0; 24];
    let sortable = created.as_millis() ^ i64::MIN;
    key[..8].copy_from_slice(&sortable.to_be_bytes());
    key[8..].copy_from_slice(id.uuid().as_bytes());
    key
}

pub(super) fn split_creation_key(key: &[u8; 24]) -> (Timestamp, PersistentLoginId) {
    let (mut created, mut id) = ([0; 8], [0; 16]);
    created.copy_from_slice(&key[..8]);
    id.copy_from_slice(&key[8..]);
    (
        Timestamp::from_millis(i64::from_be_bytes(created) ^ i64::MIN),
        PersistentLoginId::new(Uuid::from_bytes(id)),
    )
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
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
            let place = Place::of(&login);
            assert_eq!(decode_usage(place, &encode(&login)), Ok(usage));
            assert_eq!(decode(place, &encode(&login)), Ok(login));
        }
        let device = Device {
            label: Some("Kitchen tablet".to_owned()),
            user_agent: None,
            ip_address: Some("::1".to_owned()),
        };
        assert_eq!(decode_device(&encode_device(&device)), Ok(device));
    }

    #[test]
    fn index_keys_sort_by_time_before_and_after_the_epoch() {
        let id = PersistentLoginId::new(Uuid::from_u128(7));
        let times = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis);
        let keys = times.map(|time| creation_key(time, id));
        assert!(keys.is_sorted());
        assert_eq!(
            keys.map(|key| split_creation_key(&key)),
            times.map(|time| (time, id))
        );
    }
}
