//! Reads every login of a database, and holds records and indexes against each other.

use std::collections::{BTreeSet, HashSet};
use std::ops::{Bound, ControlFlow};

use rememberd::domain::persistent_login::{PersistentLogin, PersistentLoginId};
use rememberd::error::Failure;
use rememberd::store::engine::{Fixed, Read, Table};
use rememberd::store::persistent_login;
use uuid::Uuid;

const LOGINS: Table<Fixed<16>> = Table::new("persistent_login");
const BY_CREATION: Table<Fixed<24>> = Table::new("persistent_login_by_creation");
const BY_PROFILE: Table<Fixed<28>> = Table::new("persistent_login_by_profile");

/// Every login in the database, oldest first.
///
/// # Errors
///
/// If something cannot be read, or a login does not have exactly one entry in each index, or an entry
/// of an index has no login, or the index by creation is not in its order, or an entry of the index by
/// profile is not under the login's profile.
pub fn logins(txn: &impl Read) -> Result<Vec<PersistentLogin>, String> {
    let records: HashSet<_> = ids(txn, &LOGINS, |key: &[u8; 16]| *key)?
        .into_iter()
        .collect();
    let indexed = ids(txn, &BY_CREATION, |key: &[u8; 24]| {
        *key.last_chunk().expect("24 bytes end with 16 bytes")
    })?;
    let mut logins = Vec::new();
    for id in &indexed {
        let found = persistent_login::get(txn, *id).map_err(described)?;
        logins.push(found.ok_or_else(|| format!("{id} is in the index and has no record"))?);
    }
    let distinct: HashSet<_> = indexed.iter().copied().collect();
    if distinct.len() < indexed.len() {
        return Err("a login has more than one entry in the index".to_owned());
    }
    if let Some(id) = records.difference(&distinct).next() {
        return Err(format!("{id} has a record and is not in the index"));
    }
    check_by_profile(txn, &logins)?;
    if !logins.is_sorted_by_key(|login| login.timestamp) {
        return Err("the index is not in the order of creation".to_owned());
    }
    Ok(logins)
}

/// A key of the index names profile and login, so what is right is right as a whole.
fn check_by_profile(txn: &impl Read, logins: &[PersistentLogin]) -> Result<(), String> {
    let mut indexed = BTreeSet::new();
    txn.scan(&BY_PROFILE, Bound::Unbounded, |key, _| {
        let (profile, login) = key.split_at(12);
        indexed.insert((profile.to_owned(), login.to_owned()));
        Ok(ControlFlow::Continue(()))
    })
    .map_err(described)?;
    let expected: BTreeSet<_> = logins
        .iter()
        .map(|login| {
            (
                login.profile_id.as_bytes().to_vec(),
                login.id.uuid().as_bytes().to_vec(),
            )
        })
        .collect();
    match indexed.symmetric_difference(&expected).next() {
        None => Ok(()),
        Some((profile, login)) => Err(format!(
            "login {login:?} of profile {profile:?} has an entry in the index by profile, or a record, \
             and not both"
        )),
    }
}

fn ids<const N: usize>(
    txn: &impl Read,
    table: &Table<Fixed<N>>,
    id_of: impl Fn(&[u8; N]) -> [u8; 16],
) -> Result<Vec<PersistentLoginId>, String> {
    let mut found = Vec::new();
    txn.scan(table, Bound::Unbounded, |key, _| {
        found.push(PersistentLoginId::new(Uuid::from_bytes(id_of(key))));
        Ok(ControlFlow::Continue(()))
    })
    .map_err(described)?;
    Ok(found)
}

fn described(failure: Failure) -> String {
    failure.to_string()
}
