//! From schema 4 to 5: access tokens and tenants are listed in the order of their creation, tenants have sweeps, and a
//! profile has an era, a text for its password and its attributes one by one. The profiles of each tenant are counted.
//!
//! Access tokens and tenants come first, all in one transaction, since they are few; they keep the order of their keys.
//! Then the records of profiles are written anew, in the order of their keys; one that has the new version already is
//! left alone, so that the step can begin again after a crash.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::domain::object_id::ObjectId;
use crate::domain::sweep::Sweeps;
use crate::domain::tenant::TenantName;
use crate::error::Failure;
use crate::storage::engine::Engine;
use crate::storage::table::{Fixed, Table, Text};
use crate::tables::profile::count::{self, ProfileCount};
use crate::tables::profile::record as profile_record;
use crate::tables::tenant::record as tenant_record;
use crate::tables::upgrade::{BATCH_MAX, Context, schema_4};
use crate::tables::{access_token, meta};

const ACCESS_TOKENS: Table<Fixed<32>> = Table::new("access_token");
const TENANTS: Table<Text> = Table::new("tenant");
const PROFILES: Table<Fixed<12>> = Table::new("profile");
const PROFILE_COUNTS: Table<Text> = Table::new(count::TABLE_NAME);

pub(super) fn step(engine: &Engine, context: &Context<'_>) -> Result<Option<usize>, Failure> {
    match number_the_few(engine)? {
        Some(numbered) => Ok(Some(numbered)),
        None => rewrite_profiles(engine, context),
    }
}

/// Writes access tokens and tenants anew. Returns how many; `None` if they were already.
fn number_the_few(engine: &Engine) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    if meta::has_last_order(&file)? {
        file.abort()?;
        return Ok(None);
    }
    let mut order = 0;
    let mut tokens = Vec::new();
    file.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
        let token = record.and_then(schema_4::decode_access_token);
        if let Some((id, token)) = unless_unreadable(token)? {
            order += 1;
            tokens.push((*digest, access_token::encode(order, &id, &token)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut tenants = Vec::new();
    file.scan(&TENANTS, Bound::Unbounded, |name, record| {
        let Some(name) = TenantName::new(name) else {
            return Ok(ControlFlow::Continue(()));
        };
        let found = record.and_then(|record| schema_4::decode_tenant(&name, record));
        if let Some(found) = unless_unreadable(found)? {
            order += 1;
            let record = tenant_record::encode(&found, order, &Sweeps::default());
            tenants.push((name, record));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (digest, record) in &tokens {
        file.put(&ACCESS_TOKENS, digest, record)?;
    }
    for (name, record) in &tenants {
        file.put(&TENANTS, name.as_str(), record)?;
    }
    meta::put_last_order(&file, order)?;
    file.commit()?;
    Ok(Some(tokens.len() + tenants.len()))
}

/// Writes some of the profiles anew. Returns how many; `None` if there was none to look at.
fn rewrite_profiles(engine: &Engine, context: &Context<'_>) -> Result<Option<usize>, Failure> {
    let file = engine.begin_write()?;
    let after = context.position.get();
    let after = after.map(|after| *after.first_chunk().expect("12 are less than 28"));
    let first = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut rewritten = Vec::new();
    let mut counted: BTreeMap<TenantName, u64> = BTreeMap::new();
    let mut seen = 0;
    file.scan(&PROFILES, first, |id, record| {
        let mut position = [0; 28];
        position[..id.len()].copy_from_slice(id);
        context.position.set(Some(position));
        let is_old = |record: &&[u8]| record.first() == Some(&schema_4::PROFILE_VERSION);
        if !record.as_ref().is_ok_and(is_old) {
            return Ok(next(&mut seen));
        }
        let found =
            record.and_then(|record| schema_4::decode_profile(ObjectId::from_bytes(*id), record));
        if let Some(found) = unless_unreadable(found)? {
            rewritten.push((*id, profile_record::encode(&found, 0, 0)));
            *counted.entry(found.tenant).or_default() += 1;
        }
        Ok(next(&mut seen))
    })?;
    for (id, record) in &rewritten {
        file.put(&PROFILES, id, record)?;
    }
    // Each profile is rewritten once, and counted by the same transaction.
    for (tenant, more) in counted {
        let before = file.get(&PROFILE_COUNTS, tenant.as_str(), count::decode)?;
        let before = before.unwrap_or_default();
        let after = ProfileCount {
            count: before.count + more,
            ..before
        };
        file.put(&PROFILE_COUNTS, tenant.as_str(), &count::encode(&after))?;
    }
    file.commit()?;
    Ok(Some(seen).filter(|seen| *seen > 0))
}

fn next(seen: &mut usize) -> ControlFlow<()> {
    *seen += 1;
    if *seen < BATCH_MAX {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

fn unless_unreadable<T>(decoded: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match decoded {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Corrupt(cause)) => {
            tracing::warn!(cause, "a record that cannot be read is left as it is");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
