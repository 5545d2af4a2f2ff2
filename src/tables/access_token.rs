//! Access tokens: a record under the SHA-256 digest of its id.
//!
//! The id is a secret. It is looked up by its digest alone, so that the time of the search says nothing about how
//! much of a guess was right. Beside the record it is sealed by a secret key, to be listed for a caller who may.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::domain::key_ring::{KeyNumber, KeyRing, NONCE_BYTES};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};
use crate::tables::meta;

const ACCESS_TOKENS: Table<Fixed<32>> = Table::new("access_token");
const VERSION: u8 = 3;

/// How many random bytes the nonces of [`reseal`] are derived from.
pub const SEED_BYTES: usize = 32;

/// All access tokens, decoded, by the digests of their ids: every request asks for one.
struct AccessTokens(HashMap<[u8; 32], Result<Arc<AccessToken>, Failure>>);

impl Derived for AccessTokens {
    const TABLES: &'static [&'static str] = &[ACCESS_TOKENS.name];

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut tokens = HashMap::new();
        txn.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
            // One that cannot be read must not keep the others out.
            let token = record.and_then(decode).map(|stored| Arc::new(stored.token));
            tokens.insert(*digest, token);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self(tokens))
    }
}

/// An id with its digest, for whoever looks it up more than once.
#[derive(Clone, Debug)]
pub struct DigestedId {
    /// The id.
    pub id: AccessTokenId,
    digest: [u8; 32],
}

impl DigestedId {
    /// The id with its digest.
    pub fn new(id: AccessTokenId) -> Self {
        let digest = digest(&id);
        Self { id, digest }
    }

    /// The digest.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// The access token with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: &DigestedId) -> Result<Option<Arc<AccessToken>>, Failure> {
    let tokens = txn.derived::<AccessTokens>()?;
    tokens.0.get(&id.digest).cloned().transpose()
}

/// An id that only a secret key reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedId {
    /// The number of the key.
    key: KeyNumber,
    sealed: Vec<u8>,
}

impl SealedId {
    /// Seals `id` with the newest key. The nonce must be random.
    pub fn seal(keys: &KeyRing, nonce: [u8; NONCE_BYTES], id: &DigestedId) -> Self {
        let (number, key) = keys.newest();
        let secret = id.id.reveal().as_bytes();
        Self {
            key: number,
            sealed: key.seal(nonce, secret, &id.digest),
        }
    }

    /// The id, which belongs to the record under `digest`; `None` if the key is missing.
    pub fn open(&self, keys: &KeyRing, digest: &[u8; 32]) -> Option<AccessTokenId> {
        let id = keys.get(self.key)?.open(&self.sealed, digest)?;
        AccessTokenId::new(String::from_utf8(id).ok()?)
    }

    /// The id that is sealed by the key with this number.
    pub fn from_parts(key: KeyNumber, sealed: Vec<u8>) -> Self {
        Self { key, sealed }
    }

    /// The number of the key, and what it sealed.
    pub fn parts(&self) -> (KeyNumber, &[u8]) {
        (self.key, &self.sealed)
    }
}

/// Puts the access token with this id, in place of the one that has it.
///
/// # Errors
///
/// Of the storage, or of the record that was there and does not decode.
pub fn put(
    txn: &WriteTxn,
    id: &DigestedId,
    sealed: &SealedId,
    token: &AccessToken,
) -> Result<(), Failure> {
    let before = txn.get(&ACCESS_TOKENS, &id.digest, decode)?;
    let order = match before {
        Some(before) => before.order,
        None => meta::next_order(txn)?,
    };
    txn.put(&ACCESS_TOKENS, &id.digest, &encode(order, sealed, token))
}

/// Seals the ids that the key with this number sealed by the newest key, so that they are not lost with the former. The
/// seed must be random and of this call alone. A record that does not decode is left as it is.
///
/// # Errors
///
/// Of the storage.
pub fn reseal(
    txn: &WriteTxn,
    keys: &KeyRing,
    number: KeyNumber,
    seed: &[u8; SEED_BYTES],
) -> Result<(), Failure> {
    let mut found = Vec::new();
    txn.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
        match record.and_then(decode) {
            Ok(stored) if stored.id.key == number => found.push((*digest, stored)),
            Ok(_) | Err(Failure::Corrupt(_)) => {}
            Err(failure) => return Err(failure),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (digest, stored) in found {
        let Some(id) = stored.id.open(keys, &digest) else {
            continue;
        };
        let id = DigestedId { id, digest };
        let sealed = SealedId::seal(keys, nonce(seed, &digest), &id);
        let record = encode(stored.order, &sealed, &stored.token);
        txn.put(&ACCESS_TOKENS, &digest, &record)?;
    }
    Ok(())
}

/// A nonce for the id with this digest, which no other id gets with the same seed.
fn nonce(seed: &[u8; SEED_BYTES], digest: &[u8; 32]) -> [u8; NONCE_BYTES] {
    let hash = Sha256::new().chain_update(seed).chain_update(digest);
    let hash: [u8; 32] = hash.finalize().into();
    let (nonce, _) = hash
        .split_first_chunk()
        .expect("a SHA-256 digest has 32 bytes");
    *nonce
}

/// Deletes the access token with this id.
///
/// # Errors
///
/// Of the storage.
pub fn delete(txn: &WriteTxn, id: &DigestedId) -> Result<(), Failure> {
    txn.remove(&ACCESS_TOKENS, &id.digest).map(drop)
}

/// The digests of all ids, in the order in which the access tokens were created.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn digests(txn: &impl Read) -> Result<Vec<[u8; 32]>, Failure> {
    let mut digests = Vec::new();
    txn.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
        digests.push((decode(record?)?.order, *digest));
        Ok(ControlFlow::Continue(()))
    })?;
    digests.sort_unstable();
    Ok(digests.into_iter().map(|(_, digest)| digest).collect())
}

/// The access token under this digest of an id, with the sealed id.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn by_digest(
    txn: &impl Read,
    digest: &[u8; 32],
) -> Result<Option<(SealedId, AccessToken)>, Failure> {
    let stored = txn.get(&ACCESS_TOKENS, digest, decode)?;
    Ok(stored.map(|stored| (stored.id, stored.token)))
}

/// The number of access tokens.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&ACCESS_TOKENS)
}

/// Whether there is no access token at all.
///
/// # Errors
///
/// Of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    txn.is_empty(&ACCESS_TOKENS)
}

fn digest(id: &AccessTokenId) -> [u8; 32] {
    Sha256::digest(id.reveal()).into()
}

/// What is stored under the digest of an access token's id.
#[derive(PartialEq, Debug)]
struct StoredToken {
    /// Higher than that of each access token that was there when it was created.
    order: u64,
    id: SealedId,
    token: AccessToken,
}

/// The record of an access token.
pub fn encode(order: u64, id: &SealedId, token: &AccessToken) -> Vec<u8> {
    Encoder::new(VERSION)
        .varint(order)
        .varint(id.key.into())
        .varint_bytes(&id.sealed)
        .text(&token.application)
        .bool(token.master)
        .list(&token.tenant_permissions, |record, permission| {
            record
                .text(&permission.tenant)
                .list(&permission.allowed_actions, |record, action| {
                    record.text(action)
                })
        })
        .option(token.expires_on, Encoder::timestamp)
        .finish()
}

/// Verifies a record. Returns the number of the key that seals the id, and the order.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn verify(record: &[u8]) -> Result<(KeyNumber, u64), Failure> {
    decode(record).map(|stored| (stored.id.key, stored.order))
}

fn decode(record: &[u8]) -> Result<StoredToken, Failure> {
    let mut decoder = Decoder::new("access token", VERSION, record)?;
    let order = decoder.varint()?;
    let key = decoder.varint()?;
    let id = SealedId {
        key: u32::try_from(key)
            .map_err(|_| decoder.corrupt(format_args!("no key has the number {key}")))?,
        sealed: decoder.varint_bytes()?.to_vec(),
    };
    let token = AccessToken {
        application: decoder.text()?.to_owned(),
        master: decoder.bool()?,
        tenant_permissions: decoder.list(|record| {
            Ok(TenantPermission {
                tenant: record.text()?.to_owned(),
                allowed_actions: record.list(|record| record.text().map(str::to_owned))?,
            })
        })?,
        expires_on: decoder.option(Decoder::timestamp)?,
        has_all_attributes: false,
    };
    decoder.finish()?;
    Ok(StoredToken { order, id, token })
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::storage::engine::{Engine, EngineOptions};
    use crate::storage::journal::Journal;
    use crate::storage::journal::limits::JournalLimits;
    use crate::storage::transaction::read_txn::ReadTxn;
    use crate::tables;

    use super::*;

    #[test]
    fn a_change_is_seen_by_its_own_transaction_and_by_later_ones() {
        let options = EngineOptions {
            cache_bytes: 1 << 20,
            two_phase_commit: false,
        };
        let limits = JournalLimits {
            target: None,
            apply_min: 1,
            idle_after: Duration::ZERO,
            cache_bytes: 0,
        };
        let engine = Engine::in_memory(&options);
        let mut journal = Journal::open(engine, tables::JOURNALED, &limits, 0).expect("it opens");
        let id = DigestedId::new(AccessTokenId::new("any text").expect("not empty"));
        let sealed = SealedId {
            key: 1,
            sealed: vec![7; 40],
        };
        let application = |txn: &ReadTxn| {
            let token = get(txn, &id).expect("it is readable").expect("it exists");
            token.application.clone()
        };
        for name in ["first", "second"] {
            let txn = journal.begin_write().expect("it begins");
            let token = AccessToken {
                application: name.to_owned(),
                master: false,
                tenant_permissions: Vec::new(),
                expires_on: None,
                has_all_attributes: false,
            };
            put(&txn, &id, &sealed, &token).expect("it is put");
            let own = get(&txn, &id).expect("it is readable");
            assert_eq!(own.expect("it exists").application, name);
            journal.commit(txn).expect("it commits");
            let snapshot = journal.newest();
            assert_eq!(application(&snapshot), name);
            assert_eq!(application(&snapshot), name, "from memory");
        }
    }
}
