//! What every kind of record has in common: what was encoded is decoded, and what a bad disk returns
//! is decoded to something or refused, without a panic and without taking more than it is worth.

use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use serde_json::{Map, Value};

use super::{Decoder, Encoder};
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::property::{assert_holds, assert_holds_on_corpus, assert_linear, damaged};

/// How many times as long as a record that which it decodes to may be when encoded again: JSON has
/// short forms of long numbers, like `1e15`.
const BLOAT_MAX: usize = 32;

/// Checks a kind of record: that `values` are what they were after `encode` and `decode`, and that
/// `decode` refuses what is damaged, or takes it as a value of its size. The corpus has records of all kinds, of
/// which each kind gets all.
#[track_caller]
pub fn check<T: Debug + PartialEq>(
    values: impl Strategy<Value = T> + Clone,
    encode: impl Fn(&T) -> Vec<u8> + Clone,
    decode: impl Fn(&[u8]) -> Result<T, Failure>,
) {
    assert_holds(values.clone(), |value| {
        assert_eq!(decode(&encode(&value)), Ok(value));
    });
    let look = |record: Vec<u8>| match decode(&record) {
        Ok(value) => assert!(encode(&value).len() <= record.len() * BLOAT_MAX),
        Err(failure) => assert!(matches!(failure, Failure::Corrupt(_)), "{failure}"),
    };
    let encoding = encode.clone();
    let records = values.prop_map(move |value| encoding(&value));
    assert_holds(damaged(records.clone()), look);
    let bytes = || vec(any::<u8>(), 0..256);
    assert_holds(bytes(), look);
    // As far as it goes, and then anything.
    assert_holds(
        (records, any::<usize>(), bytes()),
        |(record, kept, rest)| {
            look([&record[..kept % (record.len() + 1)], &rest].concat());
        },
    );
    assert_holds_on_corpus("record", |digits| look(from_hex(digits)));
}

/// The bytes of as many pairs of hexadecimal digits as there are; what else there is between them is skipped.
fn from_hex(text: &[u8]) -> Vec<u8> {
    let digits = text
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16));
    let digits: Vec<_> = digits.collect();
    let bytes = digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]);
    bytes
        .map(|byte| u8::try_from(byte).expect("it has two digits"))
        .collect()
}

/// Checks that `decode` takes its share of time for records that are `start` and then one thing again
/// and again.
#[track_caller]
pub fn check_time<T>(start: &[u8], decode: impl Fn(&[u8]) -> Result<T, Failure>) {
    let empty_text = [0, 0, 0, 0];
    let tiny_text = [1, 0, 0, 0, b'x'];
    let pieces: [&[u8]; 9] = [
        &empty_text,
        &tiny_text,
        &[1],
        &[0xFF],
        b"[",
        b"{\"a\":",
        b"1",
        b" ",
        b"\\u0000",
    ];
    for piece in pieces {
        let record = |size: usize| {
            let rest = piece.repeat(size / piece.len());
            let length = u32::try_from(rest.len()).expect("it is short");
            [start, &length.to_le_bytes(), &rest].concat()
        };
        assert_linear("records", 4_096, record, |record| {
            let _ = decode(record);
        });
    }
}

/// Any text.
pub fn text() -> impl Strategy<Value = String> + Clone {
    any::<String>()
}

/// A few texts.
pub fn texts() -> impl Strategy<Value = Vec<String>> + Clone {
    vec(text(), 0..4)
}

/// Any moment.
pub fn timestamp() -> impl Strategy<Value = Timestamp> + Clone {
    any::<i64>().prop_map(Timestamp::from_millis)
}

/// Any JSON that is not very deep.
pub fn json() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Any JSON object that is not very deep.
pub fn json_object() -> impl Strategy<Value = Map<String, Value>> + Clone {
    btree_map(text(), json(), 0..4).prop_map(|fields| fields.into_iter().collect())
}

#[test]
fn deep_json_is_corrupt_and_does_not_exhaust_the_stack() {
    for piece in ["[", "{\"a\":", "[[],"] {
        let record = Encoder::new(1).text(&piece.repeat(100_000)).finish();
        let mut decoder = Decoder::new("sample", 1, &record).expect("the version fits");
        assert!(matches!(decoder.json::<Value>(), Err(Failure::Corrupt(_))));
    }
}
