//! Properties of the parameter decoder on arbitrary queries and forms.

use hyper::body::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::{Form, Params};
use crate::property::{assert_holds, assert_linear};

fn url_encoded(query: String, form: &[u8]) -> Params {
    Params::new(query, Form::UrlEncoded(Bytes::copy_from_slice(form)))
}

/// Looks up parameters as the handlers do.
fn look_up(params: &Params) {
    let _ = params.required("profileId");
    let _ = params.optional("accessTokenId");
    let _ = params.optional("token");
    let _ = params.number("count", 1_000);
}

/// Names of parameters, some of which no handler reads.
pub fn names() -> impl Strategy<Value = String> {
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

fn first<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let mut pairs = pairs.iter();
    let found = pairs.find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_query_and_a_form_decode_to_what_was_encoded() {
    let pairs = || vec((names(), any::<String>()), 0..6);
    assert_holds((pairs(), pairs()), |(query, form)| {
        let encoded = url_encoded(percent_encoded(&query), percent_encoded(&form).as_bytes());
        let multipart = Params::new(percent_encoded(&query), Form::Multipart(form.clone()));
        for name in ["token", "count", "profileId", "accessTokenId", "é", ""] {
            let expected = first(&query, name).or(first(&form, name));
            assert_eq!(encoded.optional(name).as_deref(), expected);
            assert_eq!(multipart.optional(name).as_deref(), expected);
        }
    });
}

#[test]
fn arbitrary_queries_and_forms_are_decoded() {
    let piece = prop_oneof![
        select(vec!["&", "=", "%", "+", ";", "%F", "token", "count", "99"]).prop_map(str::to_owned),
        any::<String>(),
    ];
    let query = vec(piece, 0..16).prop_map(|pieces| pieces.concat());
    assert_holds((query, vec(any::<u8>(), 0..64)), |(query, form)| {
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
fn the_time_for_queries_and_forms_is_linear() {
    for piece in [
        "%", "&", ";", "=", "+", "%41", "%FF", "a=b&", "&=", "token", "1", "\u{0}",
    ] {
        let text = |size: usize| piece.repeat(size / piece.len());
        assert_linear(piece, 4_096, |size| url_encoded(text(size), b""), look_up);
        let form = |size: usize| url_encoded(String::new(), text(size).as_bytes());
        assert_linear(piece, 4_096, form, look_up);
        let number = |size: usize| url_encoded(format!("count={}", text(size)), b"");
        assert_linear(piece, 4_096, number, look_up);
    }
}

#[test]
fn the_time_to_look_up_parts_is_linear() {
    let form = |count: usize| {
        let parts = vec![("a".to_owned(), "b".to_owned()); count];
        Params::new(String::new(), Form::Multipart(parts))
    };
    assert_linear("parts", 256, form, look_up);
}
