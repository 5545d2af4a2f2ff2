//! The ends of all logins of a tenant, or of all logins there are, until the logins are removed.
//!
//! As the end of all logins of a profile ([`ended`](crate::tables::persistent_login::ended)), each is one small row,
//! however many logins it ends: it begins a new era, and logins of earlier ones are ended with its commit. The profiles
//! stay, other than where their tenant is deleted. Usually there are no rows; all of them are kept in memory.

use std::ops::{Bound, ControlFlow};

use crate::domain::login_state::Era;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::ended::{self, Ends};
use crate::tables::meta;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "persistent_login_ended_together";

const ENDED: Table<Text> = Table::new(TABLE_NAME);

/// The key of the row that concerns all tenants: none has this name.
const EVERY_TENANT: &str = "";

/// Whose logins end together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Those of all tenants.
    EveryTenant,
    /// Those of this one.
    Tenant(TenantName),
}

impl Scope {
    fn key(&self) -> &str {
        match self {
            Self::EveryTenant => EVERY_TENANT,
            Self::Tenant(name) => name.as_str(),
        }
    }

    fn from_key(key: &str) -> Self {
        TenantName::new(key).map_or(Self::EveryTenant, Self::Tenant)
    }
}

/// The eras that begin with the last end of each scope whose logins may be there still. One that cannot be read
/// concerns its scope alone.
#[derive(Default, Debug)]
pub struct EndedTogether {
    of_all: Option<Result<Era, Failure>>,
    of_tenants: Ends<TenantName, Era>,
    /// All of them, but those that cannot be read.
    ends: Vec<(Scope, Era)>,
}

impl EndedTogether {
    pub(super) fn read(txn: &impl Read) -> Result<Self, Failure> {
        let mut this = Self::default();
        txn.scan(&ENDED, Bound::Unbounded, |key, record| {
            let (scope, era) = (Scope::from_key(key), record.and_then(decode));
            if let Ok(era) = era {
                this.ends.push((scope.clone(), era));
            }
            match scope {
                Scope::EveryTenant => this.of_all = Some(era),
                Scope::Tenant(name) => this.of_tenants.insert(name, era),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(this)
    }

    /// Whether a login of this tenant and era was ended.
    ///
    /// # Errors
    ///
    /// If an end that concerns the tenant does not decode.
    pub fn have(&self, tenant: &TenantName, era: Era) -> Result<bool, Failure> {
        Ok(era < self.era_of(tenant)?)
    }

    /// The era before which the logins of this tenant have ended; 0 if none have.
    ///
    /// # Errors
    ///
    /// As [`EndedTogether::have`].
    pub fn era_of(&self, tenant: &TenantName) -> Result<Era, Failure> {
        let of_tenant = self.of_tenants.of(tenant)?.unwrap_or(0);
        Ok(of_tenant.max(self.era_of_all()?))
    }

    /// The era before which all logins have ended; 0 if they have not.
    ///
    /// # Errors
    ///
    /// If that does not decode.
    pub fn era_of_all(&self) -> Result<Era, Failure> {
        Ok(self.of_all.clone().transpose()?.unwrap_or(0))
    }

    /// Whether nothing ended.
    pub fn is_empty(&self) -> bool {
        self.of_all.is_none() && self.of_tenants.is_empty()
    }

    /// The ends, but those that cannot be read.
    pub fn ends(&self) -> &[(Scope, Era)] {
        &self.ends
    }
}

/// Ends all logins that `scope` has now.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn end_all(txn: &WriteTxn, scope: &Scope) -> Result<(), Failure> {
    let era = meta::begin_era(txn)?;
    txn.put(&ENDED, scope.key(), &ended::encode(&era))
}

/// Forgets an end, if it was the last one of its scope: nothing that it ended is left.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn forget(txn: &WriteTxn, scope: &Scope, era: Era) -> Result<(), Failure> {
    if txn.get(&ENDED, scope.key(), decode)? == Some(era) {
        txn.remove(&ENDED, scope.key())?;
    }
    Ok(())
}

/// The era that began with an end.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<Era, Failure> {
    ended::decode("end of all logins of a tenant", record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_concerns_its_scope() {
        let name = |text: &str| TenantName::new(text).expect("not empty");
        let mut ended = EndedTogether::default();
        assert!(ended.is_empty());
        ended.of_tenants.insert(name("a"), Ok(3));
        assert_eq!(ended.have(&name("a"), 2), Ok(true));
        assert_eq!(ended.have(&name("a"), 3), Ok(false));
        assert_eq!(ended.have(&name("b"), 2), Ok(false));
        ended.of_all = Some(Ok(5));
        assert_eq!(ended.have(&name("a"), 4), Ok(true));
        assert_eq!(ended.have(&name("b"), 4), Ok(true));
        assert_eq!(ended.have(&name("b"), 5), Ok(false));
        assert!(!ended.is_empty());
        let unreadable = Failure::Corrupt("unreadable".to_owned());
        ended.of_all = None;
        ended.of_tenants.insert(name("c"), Err(unreadable.clone()));
        assert_eq!(ended.have(&name("c"), 2), Err(unreadable));
        assert_eq!(ended.have(&name("b"), 2), Ok(false));
    }

    #[test]
    fn a_scope_has_a_key_of_its_own() {
        for scope in [
            Scope::EveryTenant,
            Scope::Tenant(TenantName::new("a").expect("not empty")),
        ] {
            assert_eq!(Scope::from_key(scope.key()), scope);
        }
    }
}
