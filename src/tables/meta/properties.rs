//! What the database remembers of itself, on a bad disk.

use proptest::prelude::any;

use super::{
    decode_fingerprint_key, decode_newest_time, encode_fingerprint_key, encode_newest_time,
};
use crate::storage::codec::properties::{check, timestamp};

#[test]
fn times_are_what_they_were() {
    check(timestamp(), encode_newest_time, decode_newest_time);
}

#[test]
fn keys_are_what_they_were() {
    check(
        any::<[u8; 32]>(),
        encode_fingerprint_key,
        decode_fingerprint_key,
    );
}
