//! The secret keys: the tokens of logins are derived from them, and what must be readable again is sealed by
//! them.
//!
//! ```text
//! token(login, generation) = first 122 bits of HMAC-SHA-256(key, label, login id, generation), as a version 4 UUID
//! ticket digest            = first 16 bytes of HMAC-SHA-256(key, label, ticket id); of a verification token, too
//! sealed                   = nonce, ChaCha20-Poly1305(HMAC-SHA-256(key, label), nonce, secret, what it belongs to)
//! ```
//!
//! So the database holds no token, and no id of a ticket or a verification token: without a key nobody can compute one
//! from it.

use std::collections::BTreeMap;
use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::{Builder, Uuid};

use crate::domain::persistent_login::{PersistentLoginId, Token};
use crate::domain::token_chain::Generation;

/// The number of a key. A later key has a higher one.
pub type KeyNumber = u32;

/// How many bytes a key has.
pub const KEY_BYTES: usize = 32;

/// How many bytes a [`KeyCheck`] has.
pub const CHECK_BYTES: usize = 16;

/// How many bytes a nonce has.
pub const NONCE_BYTES: usize = 12;

/// By how many bytes sealed bytes are longer than their nonce and the secret together.
pub const TAG_BYTES: usize = 16;

/// How many bytes there are of what a ticket or a verification token is stored under.
pub const ID_DIGEST_BYTES: usize = 16;

/// By this it is seen, without the key, whether a key is the same.
pub type KeyCheck = [u8; CHECK_BYTES];

const TOKEN_LABEL: &[u8] = b"rememberd token 1";
const TICKET_LABEL: &[u8] = b"rememberd ticket 1";
const SEAL_LABEL: &[u8] = b"rememberd seal 1";
const VERIFICATION_LABEL: &[u8] = b"rememberd verification token 1";
const CHECK_LABEL: &[u8] = b"rememberd key check 1";

/// A secret key. `Debug` shows nothing.
#[derive(Clone)]
pub struct SecretKey {
    tokens: Hmac<Sha256>,
    tickets: Hmac<Sha256>,
    verification_tokens: Hmac<Sha256>,
    seal: ChaCha20Poly1305,
    check: KeyCheck,
}

impl SecretKey {
    /// The key with these bytes.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let keyed = keyed(bytes);
        let derived = |label: &[u8]| keyed.clone().chain_update(label).finalize().into_bytes();
        let digest = derived(CHECK_LABEL);
        let (check, _) = digest
            .split_first_chunk()
            .expect("a SHA-256 digest has 32 bytes");
        Self {
            tokens: keyed.clone().chain_update(TOKEN_LABEL),
            tickets: keyed.clone().chain_update(TICKET_LABEL),
            verification_tokens: keyed.clone().chain_update(VERIFICATION_LABEL),
            seal: ChaCha20Poly1305::new(&derived(SEAL_LABEL)),
            check: *check,
        }
    }

    /// See [`KeyCheck`].
    pub fn check(&self) -> KeyCheck {
        self.check
    }

    /// The token of a generation of a login.
    pub fn token(&self, login: PersistentLoginId, generation: Generation) -> Token {
        let digest = self
            .tokens
            .clone()
            .chain_update(login.uuid().as_bytes())
            .chain_update(generation.to_be_bytes())
            .finalize()
            .into_bytes();
        let (bits, _) = digest
            .split_first_chunk()
            .expect("a SHA-256 digest has 32 bytes");
        Token::new(Builder::from_random_bytes(*bits).into_uuid())
    }

    /// What a ticket with this id is stored under.
    pub fn ticket_digest(&self, id: Uuid) -> [u8; ID_DIGEST_BYTES] {
        digest_of(&self.tickets, id)
    }

    /// What a verification token with this id is stored under.
    pub fn verification_token_digest(&self, id: Uuid) -> [u8; ID_DIGEST_BYTES] {
        digest_of(&self.verification_tokens, id)
    }

    /// `secret` so that only this key reads it, and only as what belongs to `owner`. A nonce must be random.
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], secret: &[u8], owner: &[u8]) -> Vec<u8> {
        let payload = Payload {
            msg: secret,
            aad: owner,
        };
        let sealed = self.seal.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("a short secret can be encrypted");
        [&nonce[..], &sealed].concat()
    }

    /// The secret that was sealed by this key as what belongs to `owner`; `None` if it was not.
    pub fn open(&self, sealed: &[u8], owner: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: sealed,
            aad: owner,
        };
        self.seal.decrypt(&Nonce::from(*nonce), payload).ok()
    }
}

fn digest_of(keyed: &Hmac<Sha256>, id: Uuid) -> [u8; ID_DIGEST_BYTES] {
    let digest = keyed.clone().chain_update(id.as_bytes()).finalize();
    let digest = digest.into_bytes();
    let (bytes, _) = digest
        .split_first_chunk()
        .expect("a SHA-256 digest has 32 bytes");
    *bytes
}

fn keyed(bytes: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    Hmac::new_from_slice(bytes).expect("HMAC takes a key of any length")
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// The keys by their numbers. There is at least one.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: BTreeMap<KeyNumber, SecretKey>,
    newest: KeyNumber,
    is_complete: bool,
}

impl KeyRing {
    /// The ring of these keys; `None` if there are none. It is complete if the database needs no other key.
    pub fn new(keys: BTreeMap<KeyNumber, SecretKey>, is_complete: bool) -> Option<Self> {
        let newest = *keys.last_key_value()?.0;
        Some(Self {
            keys,
            newest,
            is_complete,
        })
    }

    /// The same, with a key that no token is derived from yet.
    pub fn with_known(&self, number: KeyNumber, key: SecretKey) -> Self {
        let mut ring = self.clone();
        ring.keys.insert(number, key);
        ring
    }

    /// The same, but that new tokens are derived from the key with this number, which must be there.
    pub fn with_newest(&self, number: KeyNumber) -> Self {
        let mut ring = self.clone();
        if ring.keys.contains_key(&number) {
            ring.newest = number;
        }
        ring
    }

    /// The same, without the key with this number, which must not be the newest: the logins that need it have ended.
    pub fn without(&self, number: KeyNumber) -> Self {
        let mut ring = self.clone();
        if number != ring.newest && ring.keys.remove(&number).is_some() {
            ring.is_complete = false;
        }
        ring
    }

    /// The numbers of the keys, in their order.
    pub fn numbers(&self) -> impl Iterator<Item = KeyNumber> {
        self.keys.keys().copied()
    }

    /// Whether there is every key that a login may need.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The key with this number, if there is one.
    pub fn get(&self, number: KeyNumber) -> Option<&SecretKey> {
        self.keys.get(&number)
    }

    /// The newest key and its number: new tokens are derived from it.
    pub fn newest(&self) -> (KeyNumber, &SecretKey) {
        let key = self.keys.get(&self.newest).expect("the newest is there");
        (self.newest, key)
    }

    /// The keys before the one with this number, newest first.
    pub fn before(&self, number: KeyNumber) -> impl Iterator<Item = &SecretKey> {
        self.keys.range(..number).rev().map(|(_, key)| key)
    }

    /// All keys, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &SecretKey> {
        self.keys.values().rev()
    }

    /// The key with this number and those after it.
    pub fn from(&self, number: KeyNumber) -> impl Iterator<Item = &SecretKey> {
        self.keys.range(number..).map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> PersistentLoginId {
        PersistentLoginId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_token_belongs_to_a_key_a_login_and_a_generation() {
        let (key, other) = (SecretKey::new(&[1; 32]), SecretKey::new(&[2; 32]));
        let token = key.token(id(1), 0);
        assert_eq!(token, key.token(id(1), 0));
        for different in [
            key.token(id(1), 1),
            key.token(id(2), 0),
            other.token(id(1), 0),
        ] {
            assert_ne!(token, different);
        }
        let uuid = token.reveal();
        assert_eq!(uuid.get_version_num(), 4);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        // A change of the derivation would end every login.
        assert_eq!(uuid.to_string(), "f23535d3-2728-4142-a59e-cfae4aafe8e8");
    }

    #[test]
    fn a_ticket_is_stored_under_a_digest_that_its_key_makes() {
        let (key, other) = (SecretKey::new(&[1; 32]), SecretKey::new(&[2; 32]));
        let digest = key.ticket_digest(Uuid::from_u128(1));
        assert_eq!(digest, key.ticket_digest(Uuid::from_u128(1)));
        assert_ne!(digest, key.ticket_digest(Uuid::from_u128(2)));
        assert_ne!(digest, other.ticket_digest(Uuid::from_u128(1)));
    }

    #[test]
    fn what_is_sealed_is_opened_by_its_key_for_its_owner_alone() {
        let (key, other) = (SecretKey::new(&[1; 32]), SecretKey::new(&[2; 32]));
        let sealed = key.seal([7; NONCE_BYTES], b"secret", b"owner");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(key.open(&sealed, b"owner").as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open(&sealed, b"thief"), None);
        assert_eq!(other.open(&sealed, b"owner"), None);
        assert_eq!(key.open(&sealed[..11], b"owner"), None);
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(key.open(&damaged, b"owner"), None, "{index}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = BTreeMap::from([(1, SecretKey::new(&[1; 32]))]);
        let ring = KeyRing::new(keys, true).expect("there is a key");
        assert_eq!(
            format!("{ring:?}"),
            "KeyRing { keys: {1: SecretKey(..)}, newest: 1, is_complete: true }"
        );
        assert!(KeyRing::new(BTreeMap::new(), true).is_none());
    }
}
