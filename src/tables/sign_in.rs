//! The failed sign-ins of each profile since the last one that succeeded. Few profiles have any.

use std::ops::{Bound, ControlFlow};

use crate::clock::timeline::Moment;
use crate::domain::object_id::ObjectId;
use crate::domain::sign_in::FailedSignIns;
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;

const SIGN_INS: Table<Fixed<12>> = Table::sparse("sign_in");
const VERSION: u8 = 1;

/// The failed sign-ins of the profile with this id.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, profile_id: ObjectId) -> Result<FailedSignIns, Failure> {
    let found = txn.get(&SIGN_INS, profile_id.as_bytes(), decode)?;
    Ok(found.unwrap_or_default())
}

/// Puts the failed sign-ins of the profile with this id.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, profile_id: ObjectId, failures: &FailedSignIns) -> Result<(), Failure> {
    txn.put(&SIGN_INS, profile_id.as_bytes(), &encode(failures))
}

/// Forgets the failed sign-ins of the profile with this id, because one succeeded, because the operator says so, or
/// because the profile is deleted. Returns whether there were any, readable or not.
///
/// # Errors
///
/// Of the storage.
pub fn forget(txn: &WriteTxn, profile_id: ObjectId) -> Result<bool, Failure> {
    match txn.get(&SIGN_INS, profile_id.as_bytes(), |_| Ok(())) {
        Ok(None) => Ok(false),
        Ok(Some(())) | Err(Failure::Corrupt(_)) => txn.remove(&SIGN_INS, profile_id.as_bytes()),
        Err(failure) => Err(failure),
    }
}

/// Calls `visit` with the failed sign-ins of at most `count_max` profiles, of those after `after` in the order of their
/// ids. What cannot be read is passed over. Returns the id of the last one; `None` if there are no more.
///
/// # Errors
///
/// Of the storage.
pub fn walk(
    txn: &impl Read,
    after: Option<ObjectId>,
    count_max: usize,
    mut visit: impl FnMut(ObjectId, FailedSignIns),
) -> Result<Option<ObjectId>, Failure> {
    let first = match &after {
        Some(id) => Bound::Excluded(id.as_bytes()),
        None => Bound::Unbounded,
    };
    let (mut count, mut last) = (0, None);
    txn.scan(&SIGN_INS, first, |id, record| {
        let id = ObjectId::from_bytes(*id);
        if let Ok(failures) = record.and_then(decode) {
            visit(id, failures);
        }
        count += 1;
        if count < count_max {
            return Ok(ControlFlow::Continue(()));
        }
        last = Some(id);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(last)
}

fn encode(failures: &FailedSignIns) -> Vec<u8> {
    Encoder::new(VERSION)
        .varint(failures.count.into())
        .option(failures.locked, |record, locked| {
            record.bytes(&locked.as_millis().to_le_bytes())
        })
        .finish()
}

/// The failed sign-ins in a record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(record: &[u8]) -> Result<FailedSignIns, Failure> {
    let mut decoder = Decoder::new("failed sign-ins of a profile", VERSION, record)?;
    let count = u32::try_from(decoder.varint()?)
        .map_err(|_| decoder.corrupt(format_args!("there are too many")))?;
    let locked = decoder.option(|record| {
        let millis = i64::from_le_bytes(record.array()?);
        Ok(Moment::from_millis(millis))
    })?;
    decoder.finish()?;
    Ok(FailedSignIns { count, locked })
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::{Strategy, any};

    use super::*;
    use crate::storage::codec::properties::check;

    #[test]
    fn failed_sign_ins_are_what_they_were() {
        let failures = (any::<u32>(), option::of(any::<i64>())).prop_map(|(count, locked)| {
            let locked = locked.map(Moment::from_millis);
            FailedSignIns { count, locked }
        });
        check(failures, encode, decode);
    }
}
