//! Tenants: a record under its name.
//!
//! They are few, and every request about a profile needs its own: all of them are kept decoded.

pub mod record;

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::sweep::Sweeps;
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
    const TABLE: &'static str = TENANTS.name;

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

/// The tenant of this name.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, name: &TenantName) -> Result<Option<Arc<Tenant>>, Failure> {
    let found = stored(txn, name)?;
    Ok(found.map(|stored| Arc::clone(&stored.tenant)))
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

/// Whether there is no tenant at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&TENANTS)
}
