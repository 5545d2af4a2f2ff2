//! The profiles of a tenant, as far as they follow it.

use std::ops::ControlFlow;

use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::record::{PROFILES, decode_head};
use crate::tables::profile::{get, put, visit_tenant};
use crate::tables::{ended_tenants, tenant};

/// Whether the tenant has a profile, or something is left of one that ended with it; also if an entry cannot be
/// read, which may be that of one.
///
/// # Errors
///
/// Of the storage.
pub fn is_any(txn: &impl Read, tenant: &TenantName) -> Result<bool, Failure> {
    let mut is_any = false;
    visit_tenant(txn, tenant, None, |_| {
        is_any = true;
        ControlFlow::Break(())
    })?;
    Ok(is_any)
}

/// Whether the profile with this id ended with its tenant or does not have all sweeps of it. One whose record cannot be
/// read does not count.
///
/// # Errors
///
/// Of the storage.
pub fn is_behind(txn: &impl Read, id: ObjectId) -> Result<bool, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |record| {
        let head = decode_head(record)?;
        let has_ended = ended_tenants::has_ended(txn, &head.tenant, head.era)?;
        let newest = tenant::with_sweeps(txn, &head.tenant, |sweeps| sweeps.revision)?;
        Ok(has_ended || head.tenant_revision < newest)
    });
    Ok(Failure::unless_corrupt(found)?.unwrap_or(false))
}

/// Rewrites the record of the profile with this id with all sweeps of its tenant, if there is one.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn rewrite(txn: &WriteTxn, id: ObjectId) -> Result<(), Failure> {
    match get(txn, id)? {
        Some(profile) => put(txn, &profile),
        None => Ok(()),
    }
}
