//! Properties of the parameter decoder on arbitrary queries and forms.

use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::Params;
use crate::property::{assert_holds, assert_holds_on_corpus, assert_linear};

fn url_encoded(query: &str, form: &[u8]) -> Params {
    let mut params = Params::new(query, NonZeroUsize::MAX).expect("any number is allowed");
    params.add_url_encoded(form).expect("any number is allowed");
    params
}

/// Decodes parameters and looks them up as the handlers do.
fn look_up(query: &str, form: &[u8]) {
    let params = url_encoded(query, form);
    let _ = params.required("profileId");
    let _ = params.first("accessTokenId");
    let _ = params.text("token");
    let _ = params.list("token");
    let _ = params.boolean("token");
    let _ = params.sort_order();
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

/// The values of a name in the query and in the form.
fn values<'p>(
    query: &'p [(String, String)],
    form: &'p [(String, String)],
    name: &str,
) -> Vec<&'p str> {
    let pairs = query.iter().chain(form);
    let pairs = pairs.filter(|(other, _)| other == name);
    pairs.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_query_and_a_form_decode_to_what_was_encoded() {
    let pairs = || vec((names(), any::<String>()), 0..6);
    assert_holds((pairs(), pairs()), |(query, form)| {
        let encoded = url_encoded(&percent_encoded(&query), percent_encoded(&form).as_bytes());
        for name in ["token", "count", "profileId", "accessTokenId", "é", ""] {
            let values = values(&query, &form, name);
            assert_eq!(encoded.first(name), values.first().copied());
            let list = encoded.list(name);
            let Some(text) = encoded.text(name) else {
                assert!(values.is_empty() && list.is_none());
                continue;
            };
            assert_eq!(text, values.join(","));
            let list = list.expect("it is there like the text");
            match values[..] {
                [""] => assert!(list.is_empty()),
                [_] => {
                    let parts: Vec<_> = text.split(',').map(str::trim).collect();
                    assert_eq!(list, parts);
                }
                _ => assert_eq!(list, values),
            }
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
        let params = url_encoded(&query, &form);
        let mut pairs =
            form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(&form));
        for (name, value) in params.iter() {
            assert_eq!(pairs.next(), Some((name.into(), value.into())));
        }
        assert_eq!(pairs.next(), None);
        look_up(&query, &form);
        look_up("", query.as_bytes());
    });
}

/// The pairs of a form, read one byte after another.
fn pairs(form: &[u8]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for pair in form
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let mut parts = [Vec::new(), Vec::new()];
        let mut part = 0;
        let mut at = 0;
        while at < pair.len() {
            let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
            let decoded = match (pair[at], digit(at + 1), digit(at + 2)) {
                (b'=', ..) if part == 0 => {
                    part = 1;
                    at += 1;
                    continue;
                }
                (b'+', ..) => b' ',
                (b'%', Some(high), Some(low)) => {
                    at += 2;
                    u8::try_from(high * 16 + low).expect("it has two digits")
                }
                (other, ..) => other,
            };
            parts[part].push(decoded);
            at += 1;
        }
        pairs.push(
            parts
                .map(|part| String::from_utf8_lossy(&part).into_owned())
                .into(),
        );
    }
    pairs
}

#[test]
fn a_form_of_the_corpus_is_what_it_reads_as() {
    assert_holds_on_corpus("form", |form| {
        let params = url_encoded("", form);
        let decoded = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(decoded.collect::<Vec<_>>(), pairs(form));
        look_up("", form);
        look_up(&String::from_utf8_lossy(form), b"token=x");
    });
}

#[test]
fn the_time_for_queries_and_forms_is_linear() {
    for piece in [
        "%", "&", ";", "=", "+", "%41", "%FF", "a=b&", "&=", "token", "1", "\u{0}",
    ] {
        let text = |size: usize| piece.repeat(size / piece.len());
        assert_linear(piece, 4_096, text, |query| look_up(query, b""));
        assert_linear(piece, 4_096, text, |form| look_up("", form.as_bytes()));
        let number = |size: usize| format!("count={}", text(size));
        assert_linear(piece, 4_096, number, |query| look_up(query, b""));
    }
}

#[test]
fn integers_are_read_in_every_form() {
    assert_holds(any::<i32>(), |number| {
        let forms = [
            format!("count={number}"),
            format!("count=+{number}%20"),
            format!(
                "count={}0x{:x}",
                if number < 0 { "-" } else { "" },
                number.unsigned_abs()
            ),
        ];
        for query in forms {
            let params = url_encoded(&query, b"");
            assert_eq!(params.integer("count"), Ok(Some(number)), "{query}");
        }
        let params = url_encoded(&format!("count={}", i64::from(number) << 32), b"");
        assert_eq!(params.integer("count").is_ok(), number == 0);
    });
}
