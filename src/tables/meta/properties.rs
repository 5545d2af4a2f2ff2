//! What the database remembers of itself, on a bad disk.

use proptest::prelude::any;

use super::{decode_fingerprint_key, encode_fingerprint_key};
use crate::storage::codec::properties::check;

#[test]
fn keys_are_what_they_were() {
    check(
        any::<[u8; 32]>(),
        encode_fingerprint_key,
        decode_fingerprint_key,
    );
}
