//! Password hashes, as they are imported and stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A password hash in the form `base64(h)|base64(salt)` of the wire contract ("Expiry, lock-out,
/// passwords"): a 16-byte salt; h = SHA-256(salt, then the UTF-8 password), then SHA-256 of the
/// result another 1,000 times. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    hash: [u8; 32],
    salt: [u8; 16],
}

impl PasswordHash {
    /// The hash and salt with these bytes.
    pub const fn new(hash: [u8; 32], salt: [u8; 16]) -> Self {
        Self { hash, salt }
    }

    /// Parses `base64(h)|base64(salt)`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (hash, salt) = text.split_once('|')?;
        Some(Self {
            hash: STANDARD.decode(hash).ok()?.try_into().ok()?,
            salt: STANDARD.decode(salt).ok()?.try_into().ok()?,
        })
    }

    /// The 32 bytes of the hash.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The 16 bytes of the salt.
    pub const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_hash_format_and_nothing_else() {
        let text = format!("{}|{}", STANDARD.encode([1; 32]), STANDARD.encode([2; 16]));
        let hash = PasswordHash::parse(&text).expect("the format is right");
        assert_eq!((hash.hash(), hash.salt()), (&[1; 32], &[2; 16]));
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
        for bad in ["", "secret", "|", "AAAA|AAAA"] {
            assert_eq!(PasswordHash::parse(bad), None, "{bad}");
        }
    }
}
