//! Reads every login of a database, and checks that the tables are consistent.

use std::collections::{BTreeSet, HashSet};
use std::ops::{Bound, ControlFlow};

use crate::support::login::Login;
use rememberd::testing::{
    Failure, Fixed, KeyRing, PersistentLoginId, Read, Table, tables::persistent_login,
};
use uuid::Uuid;

const LOGINS: Table<Fixed<28>> = Table::new("persistent_login");
const PROFILES: Table<Fixed<16>> = Table::new("persistent_login_profile");
const DEVICES: Table<Fixed<28>> = Table::new("persistent_login_device");
const BY_CREATION: Table<Fixed<24>> = Table::new("persistent_login_by_creation");

/// Every login in the database, oldest first.
///
/// # Errors
///
/// If something cannot be read, or a login does not have exactly one entry in the index by creation and
/// one in the table of its profile, or such an entry or a device has no login, or the index is not ordered.
pub fn logins(txn: &impl Read, ring: &KeyRing) -> Result<Vec<Login>, String> {
    let indexed = keys(txn, &BY_CREATION)?.into_iter().map(|key| {
        let id = key.last_chunk().expect("24 bytes end with 16 bytes");
        PersistentLoginId::new(Uuid::from_bytes(*id))
    });
    let indexed: Vec<_> = indexed.collect();
    let mut logins = Vec::new();
    for id in &indexed {
        let found = persistent_login::get(txn, *id).map_err(described)?;
        let found = found.ok_or_else(|| format!("{id} is in the index and has no record"))?;
        logins.push(Login::stored(&found, ring));
    }
    let distinct: HashSet<_> = indexed.iter().copied().collect();
    if distinct.len() < indexed.len() {
        return Err("a login has more than one entry in the index".to_owned());
    }
    check_keys(txn, &logins)?;
    if !logins.is_sorted_by_key(|login| login.timestamp) {
        return Err("the index is not in the order of creation".to_owned());
    }
    Ok(logins)
}

/// Checks that the other tables have these logins and no others.
fn check_keys(txn: &impl Read, logins: &[Login]) -> Result<(), String> {
    let expected: BTreeSet<_> = logins.iter().map(key).collect();
    let ids: BTreeSet<_> = logins
        .iter()
        .map(|login| *login.id.uuid().as_bytes())
        .collect();
    let records: BTreeSet<_> = keys(txn, &LOGINS)?.into_iter().collect();
    if let Some(key) = records.symmetric_difference(&expected).next() {
        return Err(format!("{key:?} has a record, or an index, and not both"));
    }
    let owned: BTreeSet<_> = keys(txn, &PROFILES)?.into_iter().collect();
    if let Some(id) = owned.symmetric_difference(&ids).next() {
        return Err(format!("{id:?} has a profile and no record"));
    }
    let devices: BTreeSet<_> = keys(txn, &DEVICES)?.into_iter().collect();
    if let Some(key) = devices.difference(&expected).next() {
        return Err(format!("{key:?} has a device and no record"));
    }
    Ok(())
}

fn key(login: &Login) -> [u8; 28] {
    let mut key = [0; 28];
    key[..12].copy_from_slice(login.profile_id.as_bytes());
    key[12..].copy_from_slice(login.id.uuid().as_bytes());
    key
}

fn keys<const N: usize>(txn: &impl Read, table: &Table<Fixed<N>>) -> Result<Vec<[u8; N]>, String> {
    let mut found = Vec::new();
    txn.scan(table, Bound::Unbounded, |key, _| {
        found.push(*key);
        Ok(ControlFlow::Continue(()))
    })
    .map_err(described)?;
    Ok(found)
}

fn described(failure: Failure) -> String {
    failure.to_string()
}
