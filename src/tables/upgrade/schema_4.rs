//! Access tokens, tenants and profiles as schema 4 had them; access tokens as schema 3 had them, too.
//!
//! ```text
//! access token  version 2 | key varint | sealed id | application | master | permissions | expiry?
//! tenant        version 1 | id | verify | roles | SSO | attribute definitions | cleanse
//! profile       version 1 | tenant | username | password? (32 bytes hash, 16 bytes salt) | email | verified | enabled
//!               | created | modified | roles | json of attributes
//! ```

use serde_json::{Map, Value};

use crate::domain::access_token::{AccessToken, TenantPermission};
use crate::domain::attributes::Attributes;
use crate::domain::object_id::ObjectId;
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::tables::access_token::SealedId;

const ACCESS_TOKEN_VERSION: u8 = 2;
const TENANT_VERSION: u8 = 1;
/// The version of a profile's record.
pub(super) const PROFILE_VERSION: u8 = 1;

/// The record of an access token.
pub(super) fn encode_access_token(id: &SealedId, token: &AccessToken) -> Vec<u8> {
    let (key, sealed) = id.parts();
    Encoder::new(ACCESS_TOKEN_VERSION)
        .varint(key.into())
        .varint_bytes(sealed)
        .text(&token.application)
        .bool(token.master)
        .list(&token.tenant_permissions, |record, permission| {
            record
                .text(&permission.tenant)
                .list(&permission.allowed_actions, |record, action| {
                    record.text(action)
                })
        })
        .option(token.expires_on, Encoder::timestamp)
        .finish()
}

/// The access token of a record.
pub(super) fn decode_access_token(record: &[u8]) -> Result<(SealedId, AccessToken), Failure> {
    let mut decoder = Decoder::new("access token", ACCESS_TOKEN_VERSION, record)?;
    let key = decoder.varint()?;
    let key = u32::try_from(key)
        .map_err(|_| decoder.corrupt(format_args!("no key has the number {key}")))?;
    let id = SealedId::from_parts(key, decoder.varint_bytes()?.to_vec());
    let token = AccessToken {
        application: decoder.text()?.to_owned(),
        master: decoder.bool()?,
        tenant_permissions: decoder.list(|record| {
            Ok(TenantPermission {
                tenant: record.text()?.to_owned(),
                allowed_actions: texts(record)?,
            })
        })?,
        expires_on: decoder.option(Decoder::timestamp)?,
        has_all_attributes: false,
    };
    decoder.finish()?;
    Ok((id, token))
}

/// The tenant with this name and record.
pub(super) fn decode_tenant(name: &TenantName, record: &[u8]) -> Result<Tenant, Failure> {
    let mut decoder = Decoder::new("tenant", TENANT_VERSION, record)?;
    let tenant = Tenant {
        id: ObjectId::from_bytes(decoder.array()?),
        name: name.clone(),
        verify_new_profiles: decoder.bool()?,
        available_roles: texts(&mut decoder)?,
        sso_enabled: decoder.bool()?,
        attribute_definitions: decoder.list(|record| {
            Ok(AttributeDefinition {
                name: record.text()?.to_owned(),
                permissions: record.list(|record| {
                    Ok(AttributePermission {
                        application: record.text()?.to_owned(),
                        allowed_actions: texts(record)?,
                    })
                })?,
                metadata: record.option(Decoder::json::<Map<String, Value>>)?,
                default_value: record.option(Decoder::json::<Value>)?,
            })
        })?,
        cleanse_attributes: decoder.bool()?,
    };
    decoder.finish()?;
    Ok(tenant)
}

/// The profile with this id and record. Roles and attributes of which there are none count as never set: both were so
/// for a profile that was made without them.
pub(super) fn decode_profile(id: ObjectId, record: &[u8]) -> Result<Profile, Failure> {
    let mut decoder = Decoder::new("profile", PROFILE_VERSION, record)?;
    let tenant = TenantName::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    let profile = Profile {
        id,
        tenant,
        username: decoder.text()?.to_owned(),
        password: decoder
            .option(|record| Ok(PasswordHash::new(record.array()?, record.array()?)))?,
        email: decoder.text()?.to_owned(),
        verified: decoder.bool()?,
        enabled: decoder.bool()?,
        created_on: decoder.timestamp()?,
        last_modified: decoder.timestamp()?,
        roles: Some(texts(&mut decoder)?).filter(|roles| !roles.is_empty()),
        attributes: Some(decoder.json::<Map<String, Value>>()?)
            .filter(|attributes| !attributes.is_empty())
            .map(|attributes| Attributes::from(&attributes)),
    };
    decoder.finish()?;
    Ok(profile)
}

fn texts(record: &mut Decoder<'_>) -> Result<Vec<String>, Failure> {
    record.list(|record| record.text().map(str::to_owned))
}
