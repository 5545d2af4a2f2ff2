//! Verification tokens: a record under the digest of its id, and an index by creation time that lets the expired ones
//! be found.

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::domain::verification_token::{VerificationToken, VerificationTokenDigest};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::expiry_index::ExpiryIndex;

const TOKENS: Table<Fixed<16>> = Table::new("verification_token");
const VERSION: u8 = 1;

/// The verification tokens by the time of their creation.
pub const BY_CREATION: ExpiryIndex = ExpiryIndex::new("verification_token_by_creation");

/// Puts a new verification token.
///
/// # Errors
///
/// Of the storage.
pub fn create(txn: &WriteTxn, token: &VerificationToken) -> Result<(), Failure> {
    txn.put(&TOKENS, token.digest.as_bytes(), &encode(token))?;
    BY_CREATION.put(txn, token.created, index_id(token.digest))
}

/// The verification token with this digest, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(
    txn: &impl Read,
    digest: VerificationTokenDigest,
) -> Result<Option<VerificationToken>, Failure> {
    txn.get(&TOKENS, digest.as_bytes(), |record| decode(digest, record))
}

/// Removes a verification token that was used or is not wanted any more.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, token: &VerificationToken) -> Result<(), Failure> {
    BY_CREATION.remove(txn, token.created, index_id(token.digest))?;
    txn.remove(&TOKENS, token.digest.as_bytes()).map(drop)
}

/// Removes at most `count_max` verification tokens that were created at `newest` or before, and returns how many.
///
/// # Errors
///
/// Of the storage.
pub fn remove_until(txn: &WriteTxn, newest: Moment, count_max: usize) -> Result<usize, Failure> {
    let ids = BY_CREATION.take_until(txn, newest, count_max)?;
    for id in &ids {
        txn.remove(&TOKENS, id.as_bytes())?;
    }
    Ok(ids.len())
}

/// The number of verification tokens, expired ones among them.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&TOKENS)
}

/// Whether there is no verification token at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&TOKENS)
}

/// What the index has a verification token under.
pub fn index_id(digest: VerificationTokenDigest) -> Uuid {
    Uuid::from_bytes(*digest.as_bytes())
}

fn encode(token: &VerificationToken) -> Vec<u8> {
    Encoder::new(VERSION)
        .text(token.tenant.as_str())
        .bytes(token.profile_id.as_bytes())
        .moment(token.created)
        .finish()
}

/// The verification token with this digest and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(
    digest: VerificationTokenDigest,
    record: &[u8],
) -> Result<VerificationToken, Failure> {
    let mut decoder = Decoder::new("verification token", VERSION, record)?;
    let tenant = TenantName::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    let token = VerificationToken {
        digest,
        tenant,
        profile_id: ObjectId::from_bytes(decoder.array()?),
        created: decoder.moment()?,
    };
    decoder.finish()?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any};

    use crate::storage::codec::properties::check;
    use crate::tables::properties::{object_id, tenant_name};

    use super::*;

    #[test]
    fn records_are_what_they_were() {
        let digest = VerificationTokenDigest::from_bytes([7; 16]);
        let tokens = (tenant_name(), object_id(), any::<i64>());
        let tokens = tokens.prop_map(move |(tenant, profile_id, created)| VerificationToken {
            digest,
            tenant,
            profile_id,
            created: Moment::from_millis(created),
        });
        check(tokens, encode, move |record| decode(digest, record));
    }
}
