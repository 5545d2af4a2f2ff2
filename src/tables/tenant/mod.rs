//! Tenants: a record under its name.
//!
//! They are few, and every request about a profile needs its own: all of them are kept decoded.

pub mod record;

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::object_id::ObjectId;
use crate::domain::sweep::{Sweep, Sweeps};
use crate::domain::tenant::{Tenant, TenantName};
use crate::error::Failure;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};
use crate::tables::meta;
use crate::tables::tenant::record::StoredTenant;

const TENANTS: Table<Text> = Table::new("tenant");

/// All tenants, by their names.
struct Tenants(HashMap<TenantName, Result<Arc<StoredTenant>, Failure>>);

impl Derived for Tenants {
    const TABLES: &'static [&'static str] = &[TENANTS.name];

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut tenants = HashMap::new();
        txn.scan(&TENANTS, Bound::Unbounded, |name, stored| {
            // One that cannot be read must not keep the others out.
            if let Some(name) = TenantName::new(name) {
                let tenant = stored.and_then(|stored| record::decode(&name, stored));
                tenants.insert(name, tenant.map(Arc::new));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(tenants))
    }
}

/// How many sweeps of a tenant's profiles may be pending: each read of a profile may have to apply all of them.
const SWEEPS_MAX: usize = 64;

/// The tenant of this name.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, name: &TenantName) -> Result<Option<Arc<Tenant>>, Failure> {
    let found = stored(txn, name)?;
    Ok(found.map(|stored| Arc::clone(&stored.tenant)))
}

/// The tenant of this name, read by itself: for who writes many in one transaction, each of which would have all of
/// them decoded again.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn read(txn: &impl Read, name: &TenantName) -> Result<Option<Arc<Tenant>>, Failure> {
    let found = txn.get(&TENANTS, name.as_str(), |stored| {
        record::decode(name, stored)
    })?;
    Ok(found.map(|stored| stored.tenant))
}

/// Calls `with` with the sweeps of the profiles of the tenant of this name: none if there is no such tenant.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn with_sweeps<T>(
    txn: &impl Read,
    name: &TenantName,
    with: impl FnOnce(&Sweeps) -> T,
) -> Result<T, Failure> {
    let found = stored(txn, name)?;
    Ok(match &found {
        Some(stored) => with(&stored.sweeps),
        None => with(&Sweeps::default()),
    })
}

fn stored(txn: &impl Read, name: &TenantName) -> Result<Option<Arc<StoredTenant>>, Failure> {
    let tenants = txn.derived::<Tenants>()?;
    tenants.0.get(name).cloned().transpose()
}

/// Puts the tenant, in place of the one of its name.
///
/// # Errors
///
/// Of the storage, or of the record that was there and does not decode.
pub fn put(txn: &WriteTxn, tenant: &Tenant) -> Result<(), Failure> {
    let name = tenant.name.as_str();
    let before = txn.get(&TENANTS, name, |stored| {
        record::decode(&tenant.name, stored)
    })?;
    let (order, sweeps) = match before {
        Some(before) => (before.order, before.sweeps),
        None => (meta::next_order(txn)?, Sweeps::default()),
    };
    txn.put(&TENANTS, name, &record::encode(tenant, order, &sweeps))
}

/// A sweep cannot be put, because too many others are pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManySweeps;

/// Puts the tenant, in place of the one of its name, and has all of its profiles follow by a sweep.
///
/// # Errors
///
/// Of the storage, or of the record that was there and does not decode. The inner one if too many sweeps are pending,
/// which put nothing.
pub fn put_with_sweep(
    txn: &WriteTxn,
    tenant: &Tenant,
    sweep: Sweep,
) -> Result<Result<(), TooManySweeps>, Failure> {
    let Some(stored) = stored(txn, &tenant.name)? else {
        return put(txn, tenant).map(Ok);
    };
    let mut sweeps = stored.sweeps.clone();
    if sweeps.pending.len() >= SWEEPS_MAX {
        return Ok(Err(TooManySweeps));
    }
    sweeps.revision += 1;
    sweeps.pending.push((sweeps.revision, sweep));
    let encoded = record::encode(tenant, stored.order, &sweeps);
    txn.put(&TENANTS, tenant.name.as_str(), &encoded)?;
    Ok(Ok(()))
}

/// The names of the tenants whose profiles have sweeps pending, each with the tenant's id and the number of the last
/// sweep.
///
/// # Errors
///
/// Of the storage.
pub fn swept(txn: &impl Read) -> Result<Vec<(TenantName, ObjectId, u64)>, Failure> {
    let tenants = txn.derived::<Tenants>()?;
    let readable = tenants.0.values().filter_map(|found| found.as_ref().ok());
    let swept = readable.filter(|stored| !stored.sweeps.pending.is_empty());
    let swept = swept.map(|stored| {
        let tenant = &stored.tenant;
        (tenant.name.clone(), tenant.id, stored.sweeps.revision)
    });
    Ok(swept.collect())
}

/// Drops the sweeps of the tenant with this name and id up to this number: all profiles have them.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn drop_sweeps(
    txn: &WriteTxn,
    name: &TenantName,
    id: ObjectId,
    revision: u64,
) -> Result<(), Failure> {
    let Some(stored) = stored(txn, name)? else {
        return Ok(());
    };
    // One that was created under the name since counts its sweeps anew.
    if stored.tenant.id != id {
        return Ok(());
    }
    let mut sweeps = stored.sweeps.clone();
    sweeps.pending.retain(|(number, _)| *number > revision);
    let encoded = record::encode(&stored.tenant, stored.order, &sweeps);
    txn.put(&TENANTS, name.as_str(), &encoded)
}

/// Removes the tenant. It is up to the caller to end the profiles that it has.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, name: &TenantName) -> Result<(), Failure> {
    txn.remove(&TENANTS, name.as_str()).map(drop)
}

/// All tenants in the order of their creation, but those whose records cannot be read.
///
/// # Errors
///
/// Of the storage.
pub fn all(txn: &impl Read) -> Result<Vec<Arc<Tenant>>, Failure> {
    let tenants = txn.derived::<Tenants>()?;
    let mut found = Vec::from_iter(tenants.0.values().filter_map(|found| found.as_ref().ok()));
    found.sort_by_key(|stored| (stored.order, stored.tenant.id));
    Ok(found
        .iter()
        .map(|stored| Arc::clone(&stored.tenant))
        .collect())
}

/// The number of tenants.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&TENANTS)
}

/// Whether there is no tenant at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&TENANTS)
}
