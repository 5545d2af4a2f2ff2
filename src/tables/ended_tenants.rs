//! The tenants that were deleted, until their profiles are removed.
//!
//! Deleting a tenant is one small row, however many profiles it has: it begins a new era, and the profiles, logins and
//! tickets of the tenant that are of earlier ones do not exist from its commit on. A tenant that is created under the
//! name again has none of them. All rows are kept in memory; usually there are none.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::domain::login_state::Era;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};
use crate::tables::ended::{self, Ends};
use crate::tables::meta;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "tenant_ended";

const ENDED: Table<Text> = Table::new(TABLE_NAME);

/// The eras that begin with the last deletion of each tenant whose profiles may be there still. One that cannot be read
/// concerns its tenant alone.
#[derive(Clone, Default, Debug)]
pub struct EndedTenants(Ends<TenantName, Era>);

impl EndedTenants {
    /// Whether what is of this tenant and era was ended.
    ///
    /// # Errors
    ///
    /// If what the tenant has does not decode.
    pub fn have(&self, tenant: &TenantName, era: Era) -> Result<bool, Failure> {
        Ok(self.of(tenant)?.is_some_and(|ended| era < ended))
    }

    /// The era that began when the tenant was deleted, if it was.
    ///
    /// # Errors
    ///
    /// As [`EndedTenants::have`].
    pub fn of(&self, tenant: &TenantName) -> Result<Option<Era>, Failure> {
        self.0.of(tenant)
    }

    /// The tenants, but those whose end cannot be read.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantName> {
        self.0.readable()
    }
}

impl Derived for EndedTenants {
    const TABLES: &'static [&'static str] = &[TABLE_NAME];

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut eras = Ends::default();
        txn.scan(&ENDED, Bound::Unbounded, |name, record| {
            if let Some(name) = TenantName::new(name) {
                eras.insert(name, record.and_then(decode));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(eras))
    }
}

/// The deleted tenants whose profiles may be there still.
///
/// # Errors
///
/// Of the storage.
pub fn all(txn: &impl Read) -> Result<Arc<EndedTenants>, Failure> {
    txn.derived()
}

/// Whether what is of this tenant and era was ended with the tenant.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn has_ended(txn: &impl Read, tenant: &TenantName, era: Era) -> Result<bool, Failure> {
    all(txn)?.have(tenant, era)
}

/// Ends all profiles, logins and tickets that the tenant has now. Returns the era that begins.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn end(txn: &WriteTxn, tenant: &TenantName) -> Result<Era, Failure> {
    let era = meta::begin_era(txn)?;
    txn.put(&ENDED, tenant.as_str(), &ended::encode(&era))?;
    Ok(era)
}

/// Forgets that the tenant was deleted, if this was the last time: nothing that it ended is left.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn forget(txn: &WriteTxn, tenant: &TenantName, ended: Era) -> Result<(), Failure> {
    if txn.get(&ENDED, tenant.as_str(), decode)? == Some(ended) {
        txn.remove(&ENDED, tenant.as_str())?;
    }
    Ok(())
}

/// The era that began when a tenant was deleted.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<Era, Failure> {
    ended::decode("end of a tenant", record)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn ends_are_what_they_were() {
        check(any::<u64>(), ended::encode, decode);
    }

    #[test]
    fn an_end_that_cannot_be_read_concerns_its_tenant_alone() {
        let name = |text: &str| TenantName::new(text).expect("not empty");
        let unreadable = Failure::Corrupt("unreadable".to_owned());
        let mut ends = Ends::default();
        ends.insert(name("a"), Ok(3));
        ends.insert(name("b"), Err(unreadable.clone()));
        let ended = EndedTenants(ends);
        assert_eq!(ended.have(&name("a"), 2), Ok(true));
        assert_eq!(ended.have(&name("a"), 3), Ok(false));
        assert_eq!(ended.have(&name("b"), 2), Err(unreadable));
        assert_eq!(ended.have(&name("c"), 2), Ok(false));
        assert_eq!(Vec::from_iter(ended.tenants()), [&name("a")]);
    }
}
