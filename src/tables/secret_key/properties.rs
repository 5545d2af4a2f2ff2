//! The records of keys on a bad disk.

use proptest::prelude::{Strategy, any};

use super::{Known, decode, encode};
use crate::storage::codec::properties::check;

#[test]
fn keys_are_what_they_were() {
    let known = (any::<[u8; 16]>(), any::<bool>());
    let known = known.prop_map(|(check, is_given_up)| Known { check, is_given_up });
    check(known, encode, decode);
}
