//! The use cases of tenants, one file each.
//!
//! How the profiles of a tenant follow its changes is in [`follow`].

pub mod create;
pub mod delete;
pub mod follow;
pub mod read;
pub mod refusal;
pub mod update;

use std::sync::Arc;

use crate::domain::tenant::{Tenant, TenantName};
use crate::error::Failure;
use crate::storage::transaction::Read;
use crate::tables::tenant;

/// The tenant with this name, which is the caller's text.
fn find(txn: &impl Read, name: &str) -> Result<Option<Arc<Tenant>>, Failure> {
    match TenantName::new(name) {
        Some(name) => tenant::get(txn, &name),
        None => Ok(None),
    }
}
