//! Tenants: a record under its name.

use serde_json::{Map, Value};

use crate::domain::object_id::ObjectId;
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const TENANTS: Table<Text> = Table::new("tenant");
const VERSION: u8 = 1;

/// The tenant of this name.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, name: &TenantName) -> Result<Option<Tenant>, Failure> {
    txn.get(&TENANTS, name.as_str(), |record| decode(name, record))
}

/// Puts the tenant, in place of the one of its name.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, tenant: &Tenant) -> Result<(), Failure> {
    txn.put(&TENANTS, tenant.name.as_str(), &encode(tenant))
}

/// Whether there is no tenant at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&TENANTS)
}

/// Verifies an entry.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(key: &[u8], record: &[u8]) -> Result<(), Failure> {
    let name = str::from_utf8(key).ok().and_then(TenantName::new);
    let name = name.ok_or_else(|| Failure::Corrupt("tenant: it has no name".to_owned()))?;
    decode(&name, record).map(drop)
}

fn encode(tenant: &Tenant) -> Vec<u8> {
    Encoder::new(VERSION)
        .bytes(tenant.id.as_bytes())
        .bool(tenant.verify_new_profiles)
        .list(&tenant.available_roles, |record, role| record.text(role))
        .bool(tenant.sso_enabled)
        .list(&tenant.attribute_definitions, encode_definition)
        .bool(tenant.cleanse_attributes)
        .finish()
}

fn encode_definition(record: Encoder, definition: &AttributeDefinition) -> Encoder {
    record
        .text(&definition.name)
        .list(&definition.permissions, |record, permission| {
            record
                .text(&permission.application)
                .list(&permission.allowed_actions, |record, action| {
                    record.text(action)
                })
        })
        .option(definition.metadata.clone(), |record, metadata| {
            record.json(&Value::Object(metadata))
        })
        .option(definition.default_value.as_ref(), Encoder::json)
}

fn decode(name: &TenantName, record: &[u8]) -> Result<Tenant, Failure> {
    let mut decoder = Decoder::new("tenant", VERSION, record)?;
    let tenant = Tenant {
        id: ObjectId::from_bytes(decoder.array()?),
        name: name.clone(),
        verify_new_profiles: decoder.bool()?,
        available_roles: decoder.list(|record| record.text().map(str::to_owned))?,
        sso_enabled: decoder.bool()?,
        attribute_definitions: decoder.list(decode_definition)?,
        cleanse_attributes: decoder.bool()?,
    };
    decoder.finish()?;
    Ok(tenant)
}

fn decode_definition(record: &mut Decoder<'_>) -> Result<AttributeDefinition, Failure> {
    Ok(AttributeDefinition {
        name: record.text()?.to_owned(),
        permissions: record.list(|record| {
            Ok(AttributePermission {
                application: record.text()?.to_owned(),
                allowed_actions: record.list(|record| record.text().map(str::to_owned))?,
            })
        })?,
        metadata: record.option(Decoder::json::<Map<String, Value>>)?,
        default_value: record.option(Decoder::json::<Value>)?,
    })
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_decodes_to_what_was_encoded() {
        let tenant = Tenant {
            id: ObjectId::from_bytes([3; 12]),
            name: TenantName::new("acme.com").expect("not empty"),
            verify_new_profiles: true,
            available_roles: vec!["ADMIN".to_owned()],
            sso_enabled: false,
            attribute_definitions: vec![AttributeDefinition {
                permissions: vec![AttributePermission {
                    allowed_actions: vec!["READ_ATTRIBUTE".to_owned()],
                    application: "*".to_owned(),
                }],
                name: "gender".to_owned(),
                metadata: json!({"label": "Gender"}).as_object().cloned(),
                default_value: Some(json!(null)),
            }],
            cleanse_attributes: true,
        };
        assert_eq!(decode(&tenant.name, &encode(&tenant)), Ok(tenant));
    }
}
