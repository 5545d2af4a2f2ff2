//! The id of a request: in its response, and in each line of the log that is about it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entropy::Entropy;

/// The number of characters of an id.
pub const REQUEST_ID_LENGTH: usize = 16;

/// The id of a request: 16 hexadecimal digits, unique within the process and, all but certainly, beyond it. It
/// says nothing about the number or the order of requests, since clients see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestId(u64);

impl RequestId {
    /// The id as text.
    pub fn encode(self) -> [u8; REQUEST_ID_LENGTH] {
        let mut digits = [0; REQUEST_ID_LENGTH];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        digits
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.encode();
        formatter.write_str(str::from_utf8(&digits).expect("digits are ASCII"))
    }
}

/// Issues the ids of requests.
#[derive(Debug)]
pub struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that begin at a random place, so that those of two processes differ.
    pub fn new(entropy: &Entropy) -> Self {
        Self {
            next: AtomicU64::new(u64::from_le_bytes(entropy.bytes())),
        }
    }

    /// A number that each id raises by one.
    pub fn count(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The next id.
    pub fn next(&self) -> RequestId {
        RequestId(mix(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A permutation of the 64-bit numbers, so that different numbers have different results: the last step of
/// MurmurHash3.
const fn mix(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    number ^= number >> 33;
    number = number.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_within_a_process_and_between_two() {
        let (one, other) = (
            RequestIds::new(&Entropy::seeded(1)),
            RequestIds::new(&Entropy::seeded(2)),
        );
        let ids = (0..1_000).flat_map(|_| [one.next(), other.next()]);
        let texts: HashSet<String> = ids.map(|id| id.to_string()).collect();
        assert_eq!(texts.len(), 2_000);
    }

    #[test]
    fn an_id_is_written_with_all_its_digits() {
        for number in [0, 1, 0xf0, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(RequestId(number).to_string(), format!("{number:016x}"));
        }
    }
}
