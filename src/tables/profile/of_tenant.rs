//! The profiles of a tenant, as far as they follow it.

use std::ops::ControlFlow;

use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::profile::record::{PROFILES, decode_head};
use crate::tables::profile::{access, get, put, visit_tenant};
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

/// Whether the profile with this id ended with its tenant or does not have all sweeps of it. Where its record cannot be
/// read, or is missing, it counts if `tenant` was deleted, which its logins or tickets are of.
///
/// # Errors
///
/// Of the storage.
pub fn is_behind(txn: &impl Read, tenant: &TenantName, id: ObjectId) -> Result<bool, Failure> {
    let found = txn.get(&PROFILES, id.as_bytes(), |record| {
        let head = decode_head(record)?;
        let has_ended = ended_tenants::has_ended(txn, &head.tenant, head.era)?;
        let newest = tenant::with_sweeps(txn, &head.tenant, |sweeps| sweeps.revision)?;
        Ok(has_ended || head.tenant_revision < newest)
    });
    if let Some(is_behind) = Failure::unless_corrupt(found)? {
        return Ok(is_behind);
    }
    let end = Failure::unless_corrupt(ended_tenants::all(txn)?.of(tenant))?;
    Ok(end.is_some() && access::tenant(txn, id)?.as_ref() == Some(tenant))
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
