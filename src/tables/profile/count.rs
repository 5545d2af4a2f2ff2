//! How many profiles each tenant has, under its name: a number that changes with every profile that is created or
//! deleted, because to count the entries of the index of a million profiles takes too long.
//!
//! When a tenant is deleted, all of its profiles end at once, and their records are removed later. So the number is
//! that of the profiles of an era and later ones.

use crate::domain::login_state::Era;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

/// The name of the table in the file.
pub const TABLE_NAME: &str = "profile_count";

const COUNTS: Table<Text> = Table::new(TABLE_NAME);
const VERSION: u8 = 1;

/// How many profiles a tenant has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ProfileCount {
    /// Profiles of earlier eras do not count.
    pub since: Era,
    /// Their number.
    pub count: u64,
}

/// The number of profiles of the tenant.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn count(txn: &impl Read, tenant: &TenantName) -> Result<u64, Failure> {
    Ok(get(txn, tenant)?.count)
}

/// Begins with none: all profiles of the tenant that are of earlier eras than `era` have ended.
///
/// # Errors
///
/// Of the storage.
pub fn end_all(txn: &WriteTxn, tenant: &TenantName, era: Era) -> Result<(), Failure> {
    let none = ProfileCount {
        since: era,
        count: 0,
    };
    txn.put(&COUNTS, tenant.as_str(), &encode(&none))
}

/// Counts so many profiles that are created.
pub(super) fn add(txn: &WriteTxn, tenant: &TenantName, added: u64) -> Result<(), Failure> {
    let before = get(txn, tenant)?;
    let count = before.count.saturating_add(added);
    txn.put(
        &COUNTS,
        tenant.as_str(),
        &encode(&ProfileCount { count, ..before }),
    )
}

/// Takes off a profile of this era that is removed, if it counts.
pub(super) fn remove_one(txn: &WriteTxn, tenant: &TenantName, era: Era) -> Result<(), Failure> {
    let before = get(txn, tenant)?;
    if era < before.since {
        return Ok(());
    }
    let count = before.count.saturating_sub(1);
    txn.put(
        &COUNTS,
        tenant.as_str(),
        &encode(&ProfileCount { count, ..before }),
    )
}

fn get(txn: &impl Read, tenant: &TenantName) -> Result<ProfileCount, Failure> {
    let found = txn.get(&COUNTS, tenant.as_str(), decode)?;
    Ok(found.unwrap_or_default())
}

/// The record of a count.
pub fn encode(count: &ProfileCount) -> Vec<u8> {
    Encoder::new(VERSION)
        .varint(count.since)
        .varint(count.count)
        .finish()
}

/// The count in a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<ProfileCount, Failure> {
    let mut decoder = Decoder::new("number of profiles", VERSION, record)?;
    let count = ProfileCount {
        since: decoder.varint()?,
        count: decoder.varint()?,
    };
    decoder.finish()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any};

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn counts_are_what_they_were() {
        let counts = any::<(u64, u64)>();
        let counts = counts.prop_map(|(since, count)| ProfileCount { since, count });
        check(counts, encode, decode);
    }
}
