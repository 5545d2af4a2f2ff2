//! Fingerprints of ids that are secrets: they group the events of one login or access token, and cannot be computed
//! from an id without the database's key.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What computes fingerprints, once it has a key.
#[derive(Default, Debug)]
pub(super) struct Fingerprints {
    /// Random bytes that the database keeps.
    key: OnceLock<Hmac<Sha256>>,
}

impl Fingerprints {
    /// Gives it the key; the first one stays.
    pub(super) fn set_key(&self, key: &[u8; 32]) {
        let keyed = || Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        self.key.get_or_init(keyed);
    }

    /// 16 hexadecimal digits: the first 64 bits of HMAC-SHA-256 of `id`.
    pub(super) fn of(&self, id: &[u8]) -> String {
        // An unkeyed digest could be found by trying ids.
        let Some(key) = self.key.get() else {
            return "unknown".to_owned();
        };
        let digest = key.clone().chain_update(id).finalize().into_bytes();
        let (first, _) = digest
            .split_first_chunk::<8>()
            .expect("a SHA-256 digest has 32 bytes");
        format!("{:016x}", u64::from_be_bytes(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_needs_its_key() {
        let print = |key: u8, id: &[u8]| {
            let fingerprints = Fingerprints::default();
            fingerprints.set_key(&[key; 32]);
            fingerprints.of(id)
        };
        assert_eq!(print(1, &[7; 16]), print(1, &[7; 16]));
        assert_ne!(print(1, &[7; 16]), print(2, &[7; 16]));
        assert_ne!(print(1, &[7; 16]), print(1, &[8; 16]));
        assert_eq!(print(1, &[7; 16]).len(), 16);
        assert!(!print(1, &[7; 16]).contains("0707"));
    }
}
