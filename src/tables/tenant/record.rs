//! The record of a tenant.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::attributes::Attributes;
use crate::domain::object_id::ObjectId;
use crate::domain::sweep::{Sweep, Sweeps};
use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};

const VERSION: u8 = 2;

/// What is stored under the name of a tenant.
#[derive(PartialEq, Debug)]
pub struct StoredTenant {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Higher than that of each tenant that was there when it was created.
    pub order: u64,
    /// The sweeps of its profiles.
    pub sweeps: Sweeps,
}

/// Verifies an entry. Returns its order, and how many sweeps of its profiles there were.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(key: &[u8], record: &[u8]) -> Result<(u64, u64), Failure> {
    let name = str::from_utf8(key).ok().and_then(TenantName::new);
    let name = name.ok_or_else(|| Failure::Corrupt("tenant: it has no name".to_owned()))?;
    decode(&name, record).map(|stored| (stored.order, stored.sweeps.revision))
}

/// The record of a tenant.
pub fn encode(tenant: &Tenant, order: u64, sweeps: &Sweeps) -> Vec<u8> {
    Encoder::new(VERSION)
        .bytes(tenant.id.as_bytes())
        .varint(order)
        .bool(tenant.verify_new_profiles)
        .list(&tenant.available_roles, |record, role| record.text(role))
        .bool(tenant.sso_enabled)
        .list(&tenant.attribute_definitions, encode_definition)
        .bool(tenant.cleanse_attributes)
        .varint(sweeps.revision)
        .list(&sweeps.pending, |record, (number, sweep)| {
            encode_sweep(record.varint(*number), sweep)
        })
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

fn encode_sweep(record: Encoder, sweep: &Sweep) -> Encoder {
    let defaults: Vec<_> = sweep.defaults.iter().collect();
    record
        .list(&sweep.removed_roles, |record, role| record.text(role))
        .list(&sweep.removed_attributes, |record, name| record.text(name))
        .list(&defaults, |record, (name, json)| {
            record.text(name).text(json)
        })
}

/// The tenant with this name and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(name: &TenantName, record: &[u8]) -> Result<StoredTenant, Failure> {
    let mut decoder = Decoder::new("tenant", VERSION, record)?;
    let id = ObjectId::from_bytes(decoder.array()?);
    let order = decoder.varint()?;
    let tenant = Tenant {
        id,
        name: name.clone(),
        verify_new_profiles: decoder.bool()?,
        available_roles: decoder.list(|record| record.text().map(str::to_owned))?,
        sso_enabled: decoder.bool()?,
        attribute_definitions: decoder.list(decode_definition)?,
        cleanse_attributes: decoder.bool()?,
    };
    let sweeps = Sweeps {
        revision: decoder.varint()?,
        pending: decoder.list(|record| Ok((record.varint()?, decode_sweep(record)?)))?,
    };
    let last = sweeps.pending.last().map_or(0, |(number, _)| *number);
    if !sweeps.pending.is_sorted_by_key(|(number, _)| *number) || last > sweeps.revision {
        return Err(decoder.corrupt(format_args!("its sweeps have wrong numbers")));
    }
    decoder.finish()?;
    Ok(StoredTenant {
        tenant: Arc::new(tenant),
        order,
        sweeps,
    })
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

fn decode_sweep(record: &mut Decoder<'_>) -> Result<Sweep, Failure> {
    Ok(Sweep {
        removed_roles: record.list(|record| record.text().map(str::to_owned))?,
        removed_attributes: record.list(|record| record.text().map(str::to_owned))?,
        defaults: decode_defaults(record)?,
    })
}

fn decode_defaults(record: &mut Decoder<'_>) -> Result<Attributes, Failure> {
    let mut defaults = Attributes::default();
    record.list(|record| {
        let name = record.text()?;
        defaults.push_json(name, &record.json::<Value>()?.to_string());
        Ok(())
    })?;
    Ok(defaults)
}

#[cfg(test)]
mod properties;
