//! The parameter decoder on queries, forms and headers that nobody means.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hyper::body::Bytes;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::{Form, Input, accepts_json, parts};
use crate::http::response::Fault;
use crate::property::{damaged, holds, is_linear};

const MULTIPART: &str = "multipart/form-data; boundary=frontier";

/// The decoded parts of a body that is all here.
fn decode(content_type: &str, body: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let decoding = pin!(parts(content_type, Bytes::copy_from_slice(body)));
    match decoding.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(parts) => parts,
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

fn url_encoded(query: String, form: &[u8]) -> Input {
    Input {
        query,
        form: Form::UrlEncoded(Bytes::copy_from_slice(form)),
    }
}

/// What is asked of every request, and then some.
fn look_up(input: &Input) {
    let _ = input.caller();
    let _ = input.required("profileId");
    let _ = input.parameter("token");
    let _ = input.number("count", 1_000);
}

fn names() -> impl Strategy<Value = String> {
    select(vec![
        "token",
        "count",
        "profileId",
        "accessTokenId",
        "é",
        "",
    ])
    .prop_map(str::to_owned)
}

fn percent_encoded(pairs: &[(String, String)]) -> String {
    let encode =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
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

fn first<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let mut pairs = pairs.iter();
    let found = pairs.find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_query_and_a_form_decode_to_what_was_encoded() {
    let pairs = || vec((names(), any::<String>()), 0..6);
    holds((pairs(), pairs()), |(query, form)| {
        let encoded = url_encoded(percent_encoded(&query), percent_encoded(&form).as_bytes());
        let in_parts = Input {
            query: percent_encoded(&query),
            form: Form::Parts(decode(MULTIPART, &multipart(&form)).expect("a good body")),
        };
        for name in ["token", "count", "profileId", "accessTokenId", "é", ""] {
            let expected = first(&query, name).or(first(&form, name));
            assert_eq!(encoded.parameter(name).as_deref(), expected);
            assert_eq!(in_parts.parameter(name).as_deref(), expected);
        }
    });
}

#[test]
fn anything_may_stand_in_a_query_and_in_a_form() {
    let piece = prop_oneof![
        select(vec!["&", "=", "%", "+", ";", "%F", "token", "count", "99"]).prop_map(str::to_owned),
        any::<String>(),
    ];
    let query = vec(piece, 0..16).prop_map(|pieces| pieces.concat());
    holds((query, vec(any::<u8>(), 0..64)), |(query, form)| {
        for name in ["token", "", "99"] {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let expected = pairs.find(|(key, _)| key == name).map(|(_, value)| value);
            assert_eq!(super::first(query.as_bytes(), name), expected, "{name}");
        }
        look_up(&url_encoded(query.clone(), &form));
        look_up(&url_encoded(String::new(), query.as_bytes()));
    });
}

#[test]
fn a_body_in_parts_may_be_damaged() {
    let whole = vec((names(), any::<String>()), 0..5).prop_map(|pairs| multipart(&pairs));
    holds(damaged(whole), |body| {
        if let Ok(parts) = decode(MULTIPART, &body) {
            look_up(&Input {
                query: String::new(),
                form: Form::Parts(parts),
            });
        }
    });
    holds(vec(any::<u8>(), 0..256), |body| {
        let _ = decode(MULTIPART, &body);
    });
}

#[test]
fn a_content_type_may_be_anything_that_a_header_holds() {
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
    holds(content_type, |content_type| {
        let _ = decode(&content_type, &body);
        let _ = decode(&format!("multipart/form-data;{content_type}"), &body);
    });
}

#[test]
fn an_accept_header_may_be_anything_that_a_header_holds() {
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
    holds(vec(vec(piece, 0..12), 0..4), |values| {
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
fn long_queries_and_forms_take_their_share_of_time() {
    for piece in [
        "%", "&", ";", "=", "+", "%41", "%FF", "a=b&", "&=", "token", "1", "\u{0}",
    ] {
        let text = |size: usize| piece.repeat(size / piece.len());
        is_linear(piece, 4_096, |size| url_encoded(text(size), b""), look_up);
        let form = |size: usize| url_encoded(String::new(), text(size).as_bytes());
        is_linear(piece, 4_096, form, look_up);
        let number = |size: usize| url_encoded(format!("count={}", text(size)), b"");
        is_linear(piece, 4_096, number, look_up);
    }
}

#[test]
fn long_bodies_in_parts_take_their_share_of_time() {
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
            is_linear(piece, 4_096, body, |body| {
                let _ = decode(MULTIPART, body.as_bytes());
            });
        }
    }
}

#[test]
fn many_parts_are_looked_up_in_their_share_of_time() {
    let form = |count: usize| Input {
        query: String::new(),
        form: Form::Parts(vec![("a".to_owned(), "b".to_owned()); count]),
    };
    is_linear("parts", 256, form, look_up);
}

#[test]
fn long_headers_take_their_share_of_time() {
    for piece in [
        ",",
        ";",
        "=",
        "q=",
        ";q=0",
        ";q=1e",
        "1",
        "0",
        "*/*,",
        "*/*;",
        "a/b,",
        "application/json,",
        " ",
        "\"",
        "\\\"",
        "a=\"b\";",
        "a=b;",
        "-",
    ] {
        let repeated = |size: usize| piece.repeat(size / piece.len());
        for start in ["", "*/*", "*/*;q=0.", "*/*;q="] {
            let headers = |size: usize| {
                let value = format!("{start}{}", repeated(size));
                let value = HeaderValue::from_str(&value).expect("it is plain");
                HeaderMap::from_iter([(ACCEPT, value)])
            };
            is_linear(piece, 4_096, headers, |headers| {
                let _ = accepts_json(headers);
            });
        }
        for start in [
            "",
            "multipart/form-data; ",
            "multipart/form-data; boundary=",
        ] {
            let content_type = |size: usize| format!("{start}{}", repeated(size));
            is_linear(piece, 4_096, content_type, |content_type| {
                let _ = decode(content_type, b"--\r\n");
            });
        }
    }
}
