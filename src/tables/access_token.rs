//! Access tokens: a record under the SHA-256 digest of its id.
//!
//! The id is a secret of the caller's choice. Looked up by its digest, the time that the search takes
//! tells nothing of how much of a guess was right; the ids are then compared in constant time.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::transaction::{Derived, Read};

const ACCESS_TOKENS: Table<Fixed<32>> = Table::new("access_token");
const VERSION: u8 = 1;

/// All access tokens, decoded, by the digests of their ids: every request asks for one.
struct AccessTokens(HashMap<[u8; 32], Result<Arc<AccessToken>, Failure>>);

impl Derived for AccessTokens {
    const TABLE: &'static str = ACCESS_TOKENS.name;

    fn derive(txn: &impl Read) -> Result<Self, Failure> {
        let mut tokens = HashMap::new();
        txn.scan(&ACCESS_TOKENS, Bound::Unbounded, |digest, record| {
            // One that cannot be read must not keep the others out.
            tokens.insert(*digest, decode(record).map(Arc::new));
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
}

/// The access token with this id, expired or not.
///
/// # Errors
///
/// Of the storage, or of a record that does not decode.
pub fn get(txn: &impl Read, id: &DigestedId) -> Result<Option<Arc<AccessToken>>, Failure> {
    let tokens = txn.derived::<AccessTokens>()?;
    let found = tokens.0.get(&id.digest).cloned().transpose()?;
    Ok(found.filter(|token| {
        let (stored, given) = (token.id.reveal().as_bytes(), id.id.reveal().as_bytes());
        stored.ct_eq(given).into()
    }))
}

/// Puts the access token, in place of the one with its id.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, token: &AccessToken) -> Result<(), Failure> {
    txn.put(&ACCESS_TOKENS, &digest(&token.id), &encode(token))
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

fn encode(token: &AccessToken) -> Vec<u8> {
    Encoder::new(VERSION)
        .text(token.id.reveal())
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

fn decode(record: &[u8]) -> Result<AccessToken, Failure> {
    let mut decoder = Decoder::new("access token", VERSION, record)?;
    let id = AccessTokenId::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its id is empty")))?;
    let token = AccessToken {
        id,
        application: decoder.text()?.to_owned(),
        master: decoder.bool()?,
        tenant_permissions: decoder.list(|record| {
            Ok(TenantPermission {
                tenant: record.text()?.to_owned(),
                allowed_actions: record.list(|record| record.text().map(str::to_owned))?,
            })
        })?,
        expires_on: decoder.option(Decoder::timestamp)?,
    };
    decoder.finish()?;
    Ok(token)
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::clock::Timestamp;
    use crate::storage::engine::{Engine, EngineOptions};
    use crate::storage::journal::{Journal, JournalLimits};
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
        let id = AccessTokenId::new("any text").expect("not empty");
        let application = |txn: &ReadTxn| {
            let token = get(txn, &DigestedId::new(id.clone()))
                .expect("it is readable")
                .expect("it exists");
            token.application.clone()
        };
        for name in ["first", "second"] {
            let txn = journal.begin_write().expect("it begins");
            let token = AccessToken {
                id: id.clone(),
                application: name.to_owned(),
                master: false,
                tenant_permissions: Vec::new(),
                expires_on: None,
            };
            put(&txn, &token).expect("it is put");
            let own = get(&txn, &DigestedId::new(id.clone())).expect("it is readable");
            assert_eq!(own.expect("it exists").application, name);
            journal.commit(txn).expect("it commits");
            let snapshot = journal.newest();
            assert_eq!(application(&snapshot), name);
            assert_eq!(application(&snapshot), name, "from memory");
        }
    }

    #[test]
    fn a_record_decodes_to_what_was_encoded() {
        let token = AccessToken {
            id: AccessTokenId::new("any text").expect("not empty"),
            application: "shop".to_owned(),
            master: true,
            tenant_permissions: vec![TenantPermission {
                allowed_actions: vec!["*".to_owned()],
                tenant: "default".to_owned(),
            }],
            expires_on: Some(Timestamp::from_millis(5)),
        };
        let decoded = decode(&encode(&token)).expect("a whole record");
        assert_eq!(decoded.id.reveal(), token.id.reveal());
        assert_eq!(decoded.application, token.application);
        assert_eq!(decoded.master, token.master);
        assert_eq!(decoded.tenant_permissions, token.tenant_permissions);
        assert_eq!(decoded.expires_on, token.expires_on);
    }
}
