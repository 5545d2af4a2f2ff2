//! Properties of the parser of `Accept` on arbitrary headers.

use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::Strategy;

use super::accepts_json;
use crate::property::{HEADER_PIECES, assert_holds, assert_linear};

#[test]
fn arbitrary_headers_are_parsed() {
    let piece = prop_oneof![
        select(vec![
            "*/*",
            "application/json",
            ",",
            ";",
            "q",
            "=",
            "0.0",
            "1e9",
            "inf",
            "-"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        vec(any::<u8>(), 0..6),
    ];
    assert_holds(vec(vec(piece, 0..12), 0..4), |values| {
        let mut headers = HeaderMap::new();
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(&value.concat()) {
                headers.append(ACCEPT, value);
            }
        }
        let _ = accepts_json(&headers);
    });
}

#[test]
fn the_time_for_headers_is_linear() {
    for piece in HEADER_PIECES {
        for start in ["", "*/*", "*/*;q=0.", "*/*;q="] {
            let headers = |size: usize| {
                let value = format!("{start}{}", piece.repeat(size / piece.len()));
                let value = HeaderValue::from_str(&value).expect("it is printable");
                HeaderMap::from_iter([(ACCEPT, value)])
            };
            assert_linear(piece, 4_096, headers, |headers| {
                let _ = accepts_json(headers);
            });
        }
    }
}
