//! The record of a profile, and of its username.
//!
//! ```text
//! version 2 | flags u8 | tenant | era varint | revision varint | username | email | password?
//!   | created i64 | modified i64 | roles? | attributes?
//! ```

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::domain::attributes::Attributes;
use crate::domain::login_state::Era;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Bytes, Fixed, Table};
use crate::tables::persistent_login::record::tenant_name;

/// The records of profiles, by their ids.
pub const PROFILES: Table<Fixed<12>> = Table::new("profile");
/// The ids of profiles, by [`username_key`].
pub const BY_USERNAME: Table<Bytes> = Table::new("profile_by_username");

const VERSION: u8 = 2;
const USERNAME_VERSION: u8 = 1;

const VERIFIED: u8 = 1;
const ENABLED: u8 = 1 << 1;
const PASSWORD: u8 = 1 << 2;
const ROLES: u8 = 1 << 3;
const ATTRIBUTES: u8 = 1 << 4;
const ALL: u8 = VERIFIED | ENABLED | PASSWORD | ROLES | ATTRIBUTES;

/// What is stored under the id of a profile.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredProfile {
    /// The profile, without the sweeps of its tenant that it does not have yet.
    pub profile: Profile,
    /// The era that it was created in.
    pub era: Era,
    /// Up to which number it has the sweeps of its tenant.
    pub tenant_revision: u64,
}

impl StoredProfile {
    /// Higher for a later record of the same profile: neither the time of the last change nor the number of sweeps goes
    /// back.
    pub fn version(&self) -> i64 {
        let sweeps = i64::try_from(self.tenant_revision).unwrap_or(i64::MAX);
        self.profile
            .last_modified
            .as_millis()
            .saturating_add(sweeps)
    }
}

/// The first part of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileHead<'r> {
    flags: u8,
    /// Whether the profile may log in.
    pub enabled: bool,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
    /// The era that it was created in.
    pub era: Era,
    /// Up to which number it has the sweeps of its tenant.
    pub tenant_revision: u64,
    /// The username.
    pub username: &'r str,
}

impl ProfileHead<'_> {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The record of a profile that was created in this era and has the sweeps of its tenant up to this number.
pub fn encode(profile: &Profile, era: Era, tenant_revision: u64) -> Vec<u8> {
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let flags = flag(profile.verified, VERIFIED)
        | flag(profile.enabled, ENABLED)
        | flag(profile.password.is_some(), PASSWORD)
        | flag(profile.roles.is_some(), ROLES)
        | flag(profile.attributes.is_some(), ATTRIBUTES);
    let mut record = Encoder::new(VERSION)
        .bytes(&[flags])
        .varint_bytes(profile.tenant.as_str().as_bytes())
        .varint(era)
        .varint(tenant_revision)
        .varint_bytes(profile.username.as_bytes())
        .varint_bytes(profile.email.as_bytes());
    if let Some(password) = &profile.password {
        record = record.varint_bytes(password.to_text().as_bytes());
    }
    record = record
        .timestamp(profile.created_on)
        .timestamp(profile.last_modified);
    if let Some(roles) = &profile.roles {
        record = record.varint_list(roles.iter(), |record, role| {
            record.varint_bytes(role.as_bytes())
        });
    }
    if let Some(attributes) = &profile.attributes {
        record = record.varint_list(attributes.iter(), |record, (name, json)| {
            record
                .varint_bytes(name.as_bytes())
                .varint_bytes(json.as_bytes())
        });
    }
    record.finish()
}

/// The first part of a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_head(record: &[u8]) -> Result<ProfileHead<'_>, Failure> {
    take_head(&mut Decoder::new("profile", VERSION, record)?)
}

/// The profile with this id and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(id: ObjectId, record: &[u8]) -> Result<StoredProfile, Failure> {
    let mut decoder = Decoder::new("profile", VERSION, record)?;
    let start = take_start(&mut decoder)?;
    let head = start.head;
    let password = match start.password {
        Some(text) => {
            let invalid = || decoder.corrupt(format_args!("its password is no hash"));
            Some(PasswordHash::from_stored(text).ok_or_else(invalid)?)
        }
        None => None,
    };
    let roles = if head.has(ROLES) {
        Some(decoder.varint_list(|record| record.varint_text().map(str::to_owned))?)
    } else {
        None
    };
    let attributes = if head.has(ATTRIBUTES) {
        Some(take_attributes(&mut decoder)?)
    } else {
        None
    };
    decoder.finish()?;
    let profile = Profile {
        id,
        username: head.username.to_owned(),
        password,
        email: start.email.to_owned(),
        verified: head.has(VERIFIED),
        enabled: head.enabled,
        created_on: start.created_on,
        last_modified: start.last_modified,
        tenant: head.tenant,
        roles,
        attributes,
    };
    Ok(StoredProfile {
        profile,
        era: head.era,
        tenant_revision: head.tenant_revision,
    })
}

/// The parts of a record, of which nothing is copied. The lists are decoded when they are iterated.
#[derive(Debug)]
pub struct ProfileParts<'r> {
    /// The first part.
    pub head: ProfileHead<'r>,
    /// The mail address.
    pub email: &'r str,
    /// Whether the mail address was verified.
    pub verified: bool,
    /// When the profile was created.
    pub created_on: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    roles: Option<Decoder<'r>>,
    attributes: Option<Decoder<'r>>,
}

impl<'r> ProfileParts<'r> {
    /// The roles; `None` if they were never set.
    pub fn roles(&self) -> Option<impl Iterator<Item = &'r str> + use<'r>> {
        self.roles.clone().map(texts)
    }

    /// The names of the attributes with the JSON of their values; `None` if none was ever set.
    pub fn attributes(&self) -> Option<impl Iterator<Item = (&'r str, &'r str)> + use<'r>> {
        self.attributes.clone().map(pairs)
    }
}

/// The parts of a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_parts(record: &[u8]) -> Result<ProfileParts<'_>, Failure> {
    let mut decoder = Decoder::new("profile", VERSION, record)?;
    let start = take_start(&mut decoder)?;
    // The lists are passed over, so that whoever iterates over them finds them whole.
    let roles = start.head.has(ROLES).then(|| decoder.clone());
    if roles.is_some() {
        decoder.varint_list(|record| record.varint_bytes().map(drop))?;
    }
    let attributes = start.head.has(ATTRIBUTES).then(|| decoder.clone());
    if attributes.is_some() {
        decoder.varint_list(|record| {
            record.varint_bytes()?;
            record.varint_bytes().map(drop)
        })?;
    }
    decoder.finish()?;
    Ok(ProfileParts {
        verified: start.head.has(VERIFIED),
        head: start.head,
        email: start.email,
        created_on: start.created_on,
        last_modified: start.last_modified,
        roles,
        attributes,
    })
}

/// The texts of a list; what is not UTF-8 is passed over.
fn texts(mut list: Decoder<'_>) -> impl Iterator<Item = &str> {
    let count = list.varint().unwrap_or(0);
    (0..count).filter_map(move |_| list.varint_text().ok())
}

/// As [`texts`], of a list of names with values.
fn pairs(mut list: Decoder<'_>) -> impl Iterator<Item = (&str, &str)> {
    let count = list.varint().unwrap_or(0);
    (0..count).filter_map(move |_| {
        let (name, value) = (list.varint_text(), list.varint_text());
        name.ok().zip(value.ok())
    })
}

/// The profile with this id and record. Whether the values of its attributes are JSON is verified, too, which a request
/// takes for granted.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(id: ObjectId, record: &[u8]) -> Result<StoredProfile, Failure> {
    let stored = decode(id, record)?;
    for (_, json) in stored.profile.attributes.iter().flat_map(Attributes::iter) {
        serde_json::from_str::<&RawValue>(json)
            .map_err(|_| Failure::Corrupt("profile: an attribute is not JSON".to_owned()))?;
    }
    Ok(stored)
}

/// What comes before the lists.
struct ProfileStart<'r> {
    head: ProfileHead<'r>,
    email: &'r str,
    password: Option<&'r str>,
    created_on: Timestamp,
    last_modified: Timestamp,
}

fn take_start<'r>(record: &mut Decoder<'r>) -> Result<ProfileStart<'r>, Failure> {
    let head = take_head(record)?;
    let email = record.varint_text()?;
    let password = if head.has(PASSWORD) {
        Some(record.varint_text()?)
    } else {
        None
    };
    Ok(ProfileStart {
        head,
        email,
        password,
        created_on: record.timestamp()?,
        last_modified: record.timestamp()?,
    })
}

fn take_head<'r>(record: &mut Decoder<'r>) -> Result<ProfileHead<'r>, Failure> {
    let [flags] = record.array()?;
    if flags & !ALL != 0 {
        return Err(record.corrupt(format_args!("it has unknown flags")));
    }
    let tenant = tenant_name(record.varint_text()?)?;
    Ok(ProfileHead {
        flags,
        enabled: flags & ENABLED != 0,
        tenant,
        era: record.varint()?,
        tenant_revision: record.varint()?,
        username: record.varint_text()?,
    })
}

fn take_attributes(record: &mut Decoder<'_>) -> Result<Attributes, Failure> {
    let mut attributes = Attributes::with_capacity(record.remaining());
    record.varint_list(|record| {
        attributes.push_json(record.varint_text()?, record.varint_text()?);
        Ok(())
    })?;
    Ok(attributes)
}

/// The key of a username. First come the tenant's length and name, then the username: no two pairs have the same key.
pub fn username_key(tenant: &TenantName, username: &str) -> Vec<u8> {
    Encoder::new(USERNAME_VERSION)
        .text(tenant.as_str())
        .bytes(username.as_bytes())
        .finish()
}

/// The record of a username.
pub fn encode_owner(id: &ObjectId) -> Vec<u8> {
    Encoder::new(USERNAME_VERSION).bytes(id.as_bytes()).finish()
}

/// The profile in the record of a username.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_owner(record: &[u8]) -> Result<ObjectId, Failure> {
    let mut decoder = Decoder::new("username", USERNAME_VERSION, record)?;
    let id = ObjectId::from_bytes(decoder.array()?);
    decoder.finish()?;
    Ok(id)
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_keeps_every_bit_of_a_number() {
        for number in [1.353534387764498e133, 1.7976931348623155e308, -5e-324] {
            let map = json!({"number": number});
            let attributes = Attributes::from(map.as_object().expect("an object"));
            let profile = Profile {
                id: ObjectId::from_bytes([5; 12]),
                username: "jdoe".to_owned(),
                password: None,
                email: String::new(),
                verified: true,
                enabled: true,
                created_on: Timestamp::from_millis(1),
                last_modified: Timestamp::from_millis(2),
                tenant: TenantName::new("default").expect("not empty"),
                roles: None,
                attributes: Some(attributes.clone()),
            };
            let found = verify(profile.id, &encode(&profile, 0, 0)).expect("it decodes");
            assert_eq!(found.profile.attributes, Some(attributes));
        }
    }

    #[test]
    fn tenant_and_username_cannot_be_mistaken_for_another_pair() {
        let name = |text: &str| TenantName::new(text).expect("not empty");
        assert_ne!(
            username_key(&name("a"), "bc"),
            username_key(&name("ab"), "c")
        );
    }
}
