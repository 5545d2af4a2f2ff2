//! Properties of the multipart decoder on arbitrary and on damaged bodies.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::params::properties::names;
use crate::property::{
    HEADER_PIECES, assert_holds, assert_holds_on_corpus, assert_linear, damaged,
};

const MULTIPART: &str = "multipart/form-data; boundary=frontier";

/// The parts of a body that is complete.
fn decode(content_type: &str, body: &[u8]) -> Result<Vec<(String, String)>, ApiError> {
    let mut params = Params::new("", NonZeroUsize::MAX)?;
    let content_type = HeaderValue::from_str(content_type).map_err(|_| ApiError::BodyMalformed)?;
    let body = Bytes::copy_from_slice(body);
    let polled = {
        let decoding = pin!(super::multipart(&mut params, content_type, body));
        decoding.poll(&mut Context::from_waker(Waker::noop()))
    };
    match polled {
        Poll::Ready(decoded) => decoded?,
        Poll::Pending => panic!("the body is complete"),
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(params.iter().map(owned).collect())
}

fn multipart(pairs: &[(String, String)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in pairs {
        body += "--frontier\r\nContent-Disposition: form-data; name=\"";
        body += &format!("{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--frontier--\r\n";
    body.into_bytes()
}

#[test]
fn a_multipart_body_decodes_to_what_was_encoded() {
    assert_holds(vec((names(), any::<String>()), 0..6), |pairs| {
        assert_eq!(decode(MULTIPART, &multipart(&pairs)), Ok(pairs));
    });
}

#[test]
fn damaged_bodies_are_decoded_or_refused() {
    let whole = vec((names(), any::<String>()), 0..5).prop_map(|pairs| multipart(&pairs));
    assert_holds(damaged(whole), |body| {
        let _ = decode(MULTIPART, &body);
    });
    assert_holds(vec(any::<u8>(), 0..256), |body| {
        let _ = decode(MULTIPART, &body);
    });
}

#[test]
fn a_body_of_the_corpus_is_refused_or_decoded() {
    assert_holds_on_corpus("multipart", |body| {
        let Ok(pairs) = decode(MULTIPART, body) else {
            return;
        };
        let text: usize = pairs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        // A byte that is not UTF-8 becomes three.
        assert!(text <= 3 * body.len());
        // What was decoded can be sent again, unless a quoted name or the boundary ends it early.
        let is_plain = |(name, value): &(String, String)| {
            !name.contains(['"', '\\', '\r', '\n'])
                && !value.contains("--frontier")
                && !value.ends_with('\r')
        };
        if pairs.iter().all(is_plain) {
            assert_eq!(decode(MULTIPART, &multipart(&pairs)), Ok(pairs));
        }
    });
}

#[test]
fn arbitrary_content_types_are_parsed_or_refused() {
    let piece = prop_oneof![
        select(vec![
            "multipart",
            "/",
            "form-data",
            ";",
            "boundary",
            "=",
            "\"",
            "\\",
            " ",
            "frontier",
            "--",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,4}",
    ];
    let content_type = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let body = multipart(&[("token".to_owned(), "x".to_owned())]);
    assert_holds(content_type, |content_type| {
        let _ = decode(&content_type, &body);
        let _ = decode(&format!("multipart/form-data;{content_type}"), &body);
    });
}

#[test]
fn the_time_for_multipart_bodies_is_linear() {
    const PART: &str = "\r\n--frontier\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
    const FILE: &str =
        "\r\n--frontier\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n";
    const NAMELESS: &str = "\r\n--frontier\r\nContent-Type: text/plain\r\n\r\n";
    let starts = [
        "--frontier\r\n",
        "--frontier\r\nContent-Disposition: form-data; name=\"",
        "--frontier\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
    ];
    let pieces = [
        PART,
        FILE,
        NAMELESS,
        "x",
        "\r",
        "\n",
        "\r\n",
        "-",
        "--",
        "\r\n--",
        "\r\n--frontie",
        "\r\n--frontier",
        "--frontier",
        "\\",
        "\\\"",
        "\"",
        ";",
        "name=",
        "; name=",
        "A: b\r\n",
        " ",
        ":",
        "\u{0}",
    ];
    for start in starts {
        for piece in pieces {
            let body = |size: usize| {
                let mut body = start.to_owned();
                body += &piece.repeat(size / piece.len());
                body += "\r\n--frontier--\r\n";
                body
            };
            assert_linear(piece, 4_096, body, |body| {
                let _ = decode(MULTIPART, body.as_bytes());
            });
        }
    }
}

#[test]
fn the_time_for_content_types_is_linear() {
    for piece in HEADER_PIECES {
        for start in [
            "",
            "multipart/form-data; ",
            "multipart/form-data; boundary=",
        ] {
            let content_type = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            assert_linear(piece, 4_096, content_type, |content_type| {
                let _ = decode(content_type, b"--\r\n");
            });
        }
    }
}

#[test]
fn arbitrary_json_is_decoded_or_refused() {
    let piece = prop_oneof![
        select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\",
            "\"token\"",
            "null",
            "true",
            "1",
            "-1e9",
            " ",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let body = vec(piece, 0..16).prop_map(|pieces| pieces.concat());
    assert_holds(body, |body| {
        let _ = decode_json(&body);
        let _ = decode_json(&format!("{{{body}}}"));
    });
}

#[test]
fn a_json_object_of_texts_decodes_to_what_was_encoded() {
    assert_holds(vec(any::<(String, String)>(), 0..6), |pairs| {
        let object: serde_json::Map<_, _> = pairs
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        let params = decode_json(&serde_json::Value::Object(object.clone()).to_string());
        let params = params.expect("an object of texts");
        assert_eq!(params.iter().count(), object.len());
        for (name, value) in &object {
            assert_eq!(params.first(name), value.as_str());
        }
    });
}

#[test]
fn the_time_for_json_is_linear() {
    for piece in [
        "[",
        "{",
        "\"a\":1,",
        "\"",
        "\\",
        "{\"a\":",
        "[1],",
        "\"a\":[1],",
        " ",
        "1",
    ] {
        for start in ["", "{", "{\"a\":", "{\"a\":["] {
            let body = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            assert_linear(piece, 4_096, body, |body| {
                let _ = decode_json(body);
            });
        }
    }
}

fn decode_json(body: &str) -> Result<Params, ApiError> {
    let mut params = Params::new("", NonZeroUsize::MAX)?;
    super::json::add(&mut params, body.as_bytes())?;
    Ok(params)
}
