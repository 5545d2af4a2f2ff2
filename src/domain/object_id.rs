//! The 12-byte ids of profiles and tenants, written as 24 hexadecimal digits.

use std::fmt;

use crate::clock::Timestamp;

/// A 12-byte id: 4 bytes of seconds since the epoch, then, in ids that are created here, 8 random
/// ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl ObjectId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// A new id, created at `now` with 8 random bytes.
    pub fn new(now: Timestamp, random: [u8; 8]) -> Self {
        let seconds = u32::try_from(now.as_millis() / 1_000).unwrap_or(0);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&random);
        Self(bytes)
    }

    /// Parses 24 hexadecimal digits of either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 24 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u128::from_str_radix(text, 16).ok()?;
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&number.to_be_bytes()[4..]);
        Some(Self(bytes))
    }

    /// Writes the 24 digits, in lower case, and returns them.
    pub fn encode<'b>(&self, digits: &'b mut [u8; 24]) -> &'b str {
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        std::str::from_utf8(digits).expect("hexadecimal digits are ASCII")
    }

    /// The bytes, in the order in which ids sort.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 24];
        formatter.write_str(self.encode(&mut digits))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_writes_24_hexadecimal_digits() {
        let text = "5925a68def86951f895cf497";
        let id = ObjectId::parse(text).expect("24 digits are an id");
        assert_eq!(id.to_string(), text);
        assert_eq!(ObjectId::parse(&text.to_uppercase()), Some(id));
        for bad in [
            "",
            "5925a68def86951f895cf49",
            "+925a68def86951f895cf497",
            "zz25a68def86951f895cf497",
        ] {
            assert_eq!(ObjectId::parse(bad), None, "{bad}");
        }
    }
}
