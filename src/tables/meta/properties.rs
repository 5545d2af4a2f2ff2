//! What the database remembers of itself, on a bad disk.

use proptest::prelude::any;

use super::{
    decode_fingerprint_key, decode_last_order, decode_login_era, encode_fingerprint_key,
    encode_last_order, encode_login_era,
};
use crate::storage::codec::properties::check;

#[test]
fn keys_are_what_they_were() {
    check(
        any::<[u8; 32]>(),
        encode_fingerprint_key,
        decode_fingerprint_key,
    );
}

#[test]
fn eras_are_what_they_were() {
    check(any::<u64>(), encode_login_era, decode_login_era);
}

#[test]
fn orders_are_what_they_were() {
    check(any::<u64>(), encode_last_order, decode_last_order);
}
