//! Mails that are to be sent: a record under the moment at which it is due, and the digest of its verification token.
//!
//! So the mail that is due next is the first entry, and what is tried again later is moved.

use std::ops::{Bound, ControlFlow};

use uuid::Uuid;

use crate::clock::timeline::Moment;
use crate::domain::key_ring::{KeyNumber, KeyRing, NONCE_BYTES};
use crate::domain::mail::{LinkUrl, MailKind};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::domain::verification_token::{VerificationTokenDigest, VerificationTokenId};
use crate::error::Failure;
use crate::storage::codec::{Decoder, Encoder};
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::expiry_index;

const MAILS: Table<Fixed<24>> = Table::new("mail_outbox");
const VERSION: u8 = 1;

/// A mail that is to be sent. The address is that of the profile when it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedMail {
    /// When it is tried next.
    pub due: Moment,
    /// The verification token of its link.
    pub token: VerificationTokenDigest,
    /// The id of that token.
    pub sealed: SealedTokenId,
    /// What it is for.
    pub kind: MailKind,
    /// The name of the profile's tenant.
    pub tenant: TenantName,
    /// Whom it is sent to.
    pub profile_id: ObjectId,
    /// What its link is made of.
    pub url: LinkUrl,
    /// How often it was tried.
    pub attempts: u32,
}

/// The id of a verification token, which only a secret key reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedTokenId {
    key: KeyNumber,
    sealed: Vec<u8>,
}

impl SealedTokenId {
    /// Seals the id of the token with this digest by the newest key. The nonce must be random.
    pub fn seal(
        keys: &KeyRing,
        nonce: [u8; NONCE_BYTES],
        id: VerificationTokenId,
        digest: VerificationTokenDigest,
    ) -> Self {
        let (number, key) = keys.newest();
        Self {
            key: number,
            sealed: key.seal(nonce, id.reveal().as_bytes(), digest.as_bytes()),
        }
    }

    /// The id of the token with this digest; `None` if its key is missing.
    pub fn open(
        &self,
        keys: &KeyRing,
        digest: VerificationTokenDigest,
    ) -> Option<VerificationTokenId> {
        let key = keys.get(self.key)?;
        let id = key.open(&self.sealed, digest.as_bytes())?;
        Uuid::from_slice(&id).ok().map(VerificationTokenId::new)
    }

    /// The number of the key.
    pub fn key(&self) -> KeyNumber {
        self.key
    }
}

/// Puts a mail.
///
/// # Errors
///
/// Of the storage.
pub fn put(txn: &WriteTxn, mail: &QueuedMail) -> Result<(), Failure> {
    txn.put(&MAILS, &key(mail.due, mail.token), &encode(mail))
}

/// Removes the mail of this token that is due at this moment. Returns whether it was there.
///
/// # Errors
///
/// Of the storage.
pub fn remove(
    txn: &WriteTxn,
    due: Moment,
    token: VerificationTokenDigest,
) -> Result<bool, Failure> {
    txn.remove(&MAILS, &key(due, token))
}

/// How many mails there are.
///
/// # Errors
///
/// Of the storage.
pub fn count(txn: &impl Read) -> Result<u64, Failure> {
    txn.count(&MAILS)
}

/// The mail that is due next. One whose record does not decode is passed over.
///
/// # Errors
///
/// Of the storage.
pub fn next(txn: &impl Read) -> Result<Option<QueuedMail>, Failure> {
    let mut found = None;
    txn.scan(&MAILS, Bound::Unbounded, |key, record| {
        found = record.and_then(|record| decode(key, record)).ok();
        Ok(match found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    })?;
    Ok(found)
}

fn key(due: Moment, token: VerificationTokenDigest) -> [u8; 24] {
    expiry_index::key(due, Uuid::from_bytes(*token.as_bytes()))
}

fn encode(mail: &QueuedMail) -> Vec<u8> {
    Encoder::new(VERSION)
        .bytes(&[kind_number(mail.kind)])
        .text(mail.tenant.as_str())
        .bytes(mail.profile_id.as_bytes())
        .varint(mail.sealed.key.into())
        .short_bytes(&mail.sealed.sealed)
        .varint(mail.attempts.into())
        .text(mail.url.as_str())
        .finish()
}

/// The mail with this key and record.
///
/// # Errors
///
/// [`Failure::Corrupt`].
pub fn decode(key: &[u8; 24], record: &[u8]) -> Result<QueuedMail, Failure> {
    let (due, token) = expiry_index::split(key);
    let mut decoder = Decoder::new("mail", VERSION, record)?;
    let [kind] = decoder.array()?;
    let kind = MailKind::ALL
        .into_iter()
        .find(|found| kind_number(*found) == kind)
        .ok_or_else(|| decoder.corrupt(format_args!("its kind {kind} is not known")))?;
    let tenant = TenantName::new(decoder.text()?)
        .ok_or_else(|| decoder.corrupt(format_args!("its tenant has no name")))?;
    let profile_id = ObjectId::from_bytes(decoder.array()?);
    let key = number(&mut decoder)?;
    let sealed = decoder.short_bytes()?.to_vec();
    let attempts = number(&mut decoder)?;
    let url = LinkUrl::parse(decoder.text()?)
        .map_err(|why| decoder.corrupt(format_args!("its URL {why}")))?;
    decoder.finish()?;
    Ok(QueuedMail {
        due,
        token: VerificationTokenDigest::from_bytes(token.into_bytes()),
        sealed: SealedTokenId { key, sealed },
        kind,
        tenant,
        profile_id,
        url,
        attempts,
    })
}

/// What a kind is in a record, for ever.
const fn kind_number(kind: MailKind) -> u8 {
    match kind {
        MailKind::VerifyAccount => 1,
        MailKind::ResetPassword => 2,
    }
}

fn number(decoder: &mut Decoder<'_>) -> Result<u32, Failure> {
    let number = decoder.varint()?;
    u32::try_from(number).map_err(|_| decoder.corrupt(format_args!("a number is too high")))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any};
    use proptest::sample::select;
    use std::collections::BTreeMap;

    use crate::domain::key_ring::SecretKey;
    use crate::storage::codec::properties::check;
    use crate::tables::properties::{object_id, tenant_name};

    use super::*;

    #[test]
    fn records_are_what_they_were() {
        let due = Moment::from_millis(-5);
        let token = VerificationTokenDigest::from_bytes([7; 16]);
        let sealed = (any::<u32>(), vec(any::<u8>(), 0..80));
        let sealed = sealed.prop_map(|(key, sealed)| SealedTokenId { key, sealed });
        let mails = (
            (select(MailKind::ALL.to_vec()), tenant_name(), object_id()),
            (sealed, "https://a[ -~é]{0,300}", any::<u32>()),
        );
        let mails = mails.prop_map(move |(whose, (sealed, url, attempts))| {
            let (kind, tenant, profile_id) = whose;
            QueuedMail {
                due,
                token,
                sealed,
                kind,
                tenant,
                profile_id,
                url: LinkUrl::parse(url).expect("it is absolute and short"),
                attempts,
            }
        });
        let key = key(due, token);
        check(mails, encode, move |record| decode(&key, record));
    }

    #[test]
    fn the_id_of_a_token_is_opened_for_its_mail_alone() {
        let keys = BTreeMap::from([(1, SecretKey::new(&[1; 32]))]);
        let keys = KeyRing::new(keys, true).expect("there is a key");
        let id = VerificationTokenId::new(Uuid::from_u128(5));
        let digest = VerificationTokenDigest::new(id, keys.newest().1);
        let sealed = SealedTokenId::seal(&keys, [7; NONCE_BYTES], id, digest);
        assert_eq!(sealed.open(&keys, digest), Some(id));
        let other = VerificationTokenDigest::from_bytes([7; 16]);
        assert_eq!(sealed.open(&keys, other), None);
        let id = id.reveal().into_bytes();
        assert!(!sealed.sealed.windows(16).any(|bytes| bytes == id));
    }
}
