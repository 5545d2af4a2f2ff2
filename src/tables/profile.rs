//! Profiles: a record under its id, the index of usernames, and the profiles whose logins are blocked.
//!
//! Every use of a login asks whether its profile is still there and enabled. Nearly all are, so that is
//! answered by a small table of the others, which a processor keeps in its cache.

use std::ops::{Bound, ControlFlow};

use serde_json::{Map, Value};

use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::profile::{Profile, ProfileStatus};
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Bytes, Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::persistent_login;

const PROFILES: Table<Fixed<12>> = Table::new("profile");
const BY_USERNAME: Table<Bytes> = Table::new("profile_by_username");
const LOGIN_BLOCKS: Table<Fixed<12>> = Table::sparse(LOGIN_BLOCKS_NAME);

/// The name of the table of blocks in the file.
pub const LOGIN_BLOCKS_NAME: &str = "profile_bar";

const VERSION: u8 = 1;

/// How many bytes a password takes in a record: its hash and its salt.
const PASSWORD_BYTES: usize = 32 + 16;

/// Why the logins of a profile do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginBlock {
    /// The profile is disabled.
    Disabled,
    /// The profile was removed.
    Gone,
}

/// The profile with this id.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: ObjectId) -> Result<Option<Profile>, Failure> {
    txn.get(&PROFILES, id.as_bytes(), |record| decode(id, record))
}

/// Whether the profile with this id is enabled, and its tenant: the first part of its record.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn status(txn: &impl Read, id: ObjectId) -> Result<Option<ProfileStatus>, Failure> {
    txn.get(&PROFILES, id.as_bytes(), decode_status)
}

/// The username of the profile with this id: the first part of its record.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn username(txn: &impl Read, id: ObjectId) -> Result<Option<String>, Failure> {
    txn.get(&PROFILES, id.as_bytes(), |record| {
        let mut decoder = Decoder::new("profile", VERSION, record)?;
        let _tenant = tenant(&mut decoder)?;
        decoder.text().map(str::to_owned)
    })
}

/// Why the logins of the profile with this id, which was there when they were created, may not be used;
/// `None` if they may.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn login_block(txn: &impl Read, id: ObjectId) -> Result<Option<LoginBlock>, Failure> {
    txn.get(&LOGIN_BLOCKS, id.as_bytes(), decode_login_block)
}

/// The id of the tenant's profile with this username.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn id_by_username(
    txn: &impl Read,
    tenant: &TenantName,
    username: &str,
) -> Result<Option<ObjectId>, Failure> {
    let key = username_key(tenant, username);
    txn.get(&BY_USERNAME, &key, decode_owner)
}

/// Puts the profile, in place of the one with its id, whose username and tenant must be the same.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
    txn.put(&PROFILES, profile.id.as_bytes(), &encode(profile))?;
    let username = username_key(&profile.tenant, &profile.username);
    txn.put(&BY_USERNAME, &username, &encode_owner(&profile.id))?;
    put_login_block(txn, profile.id, login_block_of(profile))
}

/// Removes the profile. Logins that it may have are blocked.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, profile: &Profile) -> Result<(), Failure> {
    txn.remove(&PROFILES, profile.id.as_bytes())?;
    let username = username_key(&profile.tenant, &profile.username);
    txn.remove(&BY_USERNAME, &username)?;
    let has_logins = persistent_login::has_more_than(txn, profile.id, 0)?;
    put_login_block(txn, profile.id, has_logins.then_some(LoginBlock::Gone))
}

fn login_block_of(profile: &Profile) -> Option<LoginBlock> {
    (!profile.enabled).then_some(LoginBlock::Disabled)
}

fn put_login_block(txn: &WriteTxn, id: ObjectId, block: Option<LoginBlock>) -> Result<(), Failure> {
    // Most writes of a profile leave it as it is, and with it the table that every refresh reads.
    if login_block(txn, id)? == block {
        return Ok(());
    }
    match block {
        Some(block) => txn.put(&LOGIN_BLOCKS, id.as_bytes(), &encode_login_block(block)),
        None => txn.remove(&LOGIN_BLOCKS, id.as_bytes()).map(drop),
    }
}

/// The id of the first profile, if there is any.
///
/// # Errors
///
/// Of the storage.
pub fn first_id(txn: &impl Read) -> Result<Option<ObjectId>, Failure> {
    let mut first = None;
    txn.scan(&PROFILES, Bound::Unbounded, |id, _| {
        first = Some(ObjectId::from_bytes(*id));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// Whether there is no profile at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&PROFILES)
}

/// The tenant's length and name, then the username: no two pairs have the same key.
pub fn username_key(tenant: &TenantName, username: &str) -> Vec<u8> {
    Encoder::new(VERSION)
        .text(tenant.as_str())
        .bytes(username.as_bytes())
        .finish()
}

fn encode(profile: &Profile) -> Vec<u8> {
    Encoder::new(VERSION)
        .text(profile.tenant.as_str())
        .text(&profile.username)
        .option(
            profile
                .password
                .as_ref()
                .and_then(PasswordHash::contract_bytes),
            |record, (hash, salt)| record.bytes(hash).bytes(salt),
        )
        .text(&profile.email)
        .bool(profile.verified)
        .bool(profile.enabled)
        .timestamp(profile.created_on)
        .timestamp(profile.last_modified)
        .list(&profile.roles, |record, role| record.text(role))
        .json(&Value::Object(profile.attributes.clone()))
        .finish()
}

/// The profile with this id and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(id: ObjectId, record: &[u8]) -> Result<Profile, Failure> {
    let mut decoder = Decoder::new("profile", VERSION, record)?;
    let profile = Profile {
        id,
        tenant: tenant(&mut decoder)?,
        username: decoder.text()?.to_owned(),
        password: decoder
            .option(|record| Ok(PasswordHash::new(record.array()?, record.array()?)))?,
        email: decoder.text()?.to_owned(),
        verified: decoder.bool()?,
        enabled: decoder.bool()?,
        created_on: decoder.timestamp()?,
        last_modified: decoder.timestamp()?,
        roles: decoder.list(|record| record.text().map(str::to_owned))?,
        attributes: decoder.json::<Map<String, Value>>()?,
    };
    decoder.finish()?;
    Ok(profile)
}

/// The record of a block.
pub fn encode_login_block(block: LoginBlock) -> Vec<u8> {
    let is_gone = match block {
        LoginBlock::Disabled => false,
        LoginBlock::Gone => true,
    };
    Encoder::new(VERSION).bool(is_gone).finish()
}

/// The block in a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_login_block(record: &[u8]) -> Result<LoginBlock, Failure> {
    let mut decoder = Decoder::new("block of a profile's logins", VERSION, record)?;
    let is_gone = decoder.bool()?;
    decoder.finish()?;
    Ok(if is_gone {
        LoginBlock::Gone
    } else {
        LoginBlock::Disabled
    })
}

/// Reads the beginning of a record alone.
fn decode_status(record: &[u8]) -> Result<ProfileStatus, Failure> {
    let mut decoder = Decoder::new("profile", VERSION, record)?;
    let tenant = tenant(&mut decoder)?;
    let _username = decoder.text()?;
    let _password = decoder.option(|record| record.bytes(PASSWORD_BYTES))?;
    let _email = decoder.text()?;
    let _verified = decoder.bool()?;
    let enabled = decoder.bool()?;
    Ok(ProfileStatus { enabled, tenant })
}

/// The record of a username.
pub fn encode_owner(id: &ObjectId) -> Vec<u8> {
    Encoder::new(VERSION).bytes(id.as_bytes()).finish()
}

/// The profile in the record of a username.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode_owner(record: &[u8]) -> Result<ObjectId, Failure> {
    let mut decoder = Decoder::new("username", VERSION, record)?;
    let id = ObjectId::from_bytes(decoder.array()?);
    decoder.finish()?;
    Ok(id)
}

fn tenant(record: &mut Decoder<'_>) -> Result<TenantName, Failure> {
    TenantName::new(record.text()?)
        .ok_or_else(|| record.corrupt(format_args!("its tenant has no name")))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::clock::Timestamp;

    use super::*;

    fn profile() -> Profile {
        Profile {
            id: ObjectId::from_bytes([5; 12]),
            username: "jdoe".to_owned(),
            password: Some(PasswordHash::new([1; 32], [2; 16])),
            email: "jdoe@example.com".to_owned(),
            verified: true,
            enabled: true,
            created_on: Timestamp::from_millis(1),
            last_modified: Timestamp::from_millis(2),
            tenant: TenantName::new("default").expect("not empty"),
            roles: vec!["USER".to_owned()],
            attributes: json!({"name": "John", "age": 44})
                .as_object()
                .cloned()
                .expect("an object"),
        }
    }

    #[test]
    fn records_decode_to_what_was_encoded() {
        let profile = profile();
        for password in [None, profile.password.clone()] {
            let profile = Profile {
                password,
                ..profile.clone()
            };
            let status = profile.status();
            assert_eq!(decode_status(&encode(&profile)), Ok(status));
            assert_eq!(decode(profile.id, &encode(&profile)), Ok(profile));
        }
    }

    #[test]
    fn an_attribute_keeps_every_bit_of_a_number() {
        // Read with the quicker method, which is not quite exact, they came back as a neighbour.
        for number in [1.353534387764498e133, 1.7976931348623155e308, -5e-324] {
            let mut profile = profile();
            profile
                .attributes
                .insert("number".to_owned(), number.into());
            assert_eq!(decode(profile.id, &encode(&profile)), Ok(profile));
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
