//! Properties of JSON documents, on arbitrary ones and on those of a schema.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use serde::Deserialize;
use serde_json::{Value, json};

use super::decode;
use crate::clock::Timestamp;
use crate::http::body::field;
use crate::http::error::ApiError;
use crate::property::{assert_holds, assert_linear};

#[derive(Deserialize, PartialEq, Default, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sample {
    #[serde(default, deserialize_with = "field::optional_text")]
    id: Option<String>,
    #[serde(deserialize_with = "field::text")]
    name: String,
    #[serde(default, deserialize_with = "field::boolean")]
    is_set: bool,
    #[serde(default, deserialize_with = "field::date")]
    on: Option<Timestamp>,
    #[serde(default, deserialize_with = "field::texts")]
    texts: Vec<String>,
    #[serde(default, deserialize_with = "field::list")]
    nested: Vec<Sample>,
    #[serde(default)]
    any: Option<Value>,
}

fn message(document: &str) -> String {
    match decode::<Sample>(document.as_bytes()) {
        Err(ApiError::DocumentInvalid(message)) => message,
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn what_is_sent_is_decoded() {
    let whole = r#" {"nested":[{"name":"b"}],"id":5,"name":"a","isSet":"True","on":"2017-05-24",
        "texts":["x",1.5,-7],"any":{"b":[1.0,null],"a":1}}"#;
    let sample: Sample = decode(whole.as_bytes()).expect("it is valid");
    let nested = Sample {
        name: "b".to_owned(),
        ..Sample::default()
    };
    let expected = Sample {
        id: Some("5".to_owned()),
        name: "a".to_owned(),
        is_set: true,
        on: Some(Timestamp::from_millis(1_495_584_000_000)),
        texts: vec!["x".to_owned(), "1.5".to_owned(), "-7".to_owned()],
        nested: vec![nested],
        any: Some(json!({"b": [1.0, null], "a": 1})),
    };
    assert_eq!(sample, expected);
    let nulls =
        r#"{"id":null,"name":"","isSet":null,"on":null,"texts":null,"nested":null,"any":null}"#;
    assert_eq!(decode(nulls.as_bytes()), Ok(Sample::default()));
    // The last of a repeated key, in what is nested too.
    let repeated = r#"{"name":1,"name":"a","nested":[{"name":"x","name":"y"}],"nested":[]}"#;
    let sample: Sample = decode(repeated.as_bytes()).expect("it is valid");
    assert_eq!((sample.name.as_str(), sample.nested.len()), ("a", 0));
}

#[test]
fn booleans_and_dates_have_several_forms() {
    let is_set = |value: &str| {
        let document = format!(r#"{{"name":"","isSet":{value}}}"#);
        decode::<Sample>(document.as_bytes())
            .ok()
            .map(|sample| sample.is_set)
    };
    for value in ["true", "\"true\"", "\"True\"", "\"TRUE\"", "1", "-1", "7"] {
        assert_eq!(is_set(value), Some(true), "{value}");
    }
    for value in [
        "false",
        "\"false\"",
        "\"False\"",
        "\"FALSE\"",
        "0",
        "null",
        "\"\"",
    ] {
        assert_eq!(is_set(value), Some(false), "{value}");
    }
    for value in [
        "\"tRUE\"", "\"yes\"", "\"1\"", "\" \"", "1.0", "0.0", "[]", "{}", "[true]",
    ] {
        assert_eq!(is_set(value), None, "{value}");
    }
    let on = |value: &str| {
        let document = format!(r#"{{"name":"","on":{value}}}"#);
        decode::<Sample>(document.as_bytes())
            .ok()
            .map(|sample| sample.on)
    };
    for value in ["null", "\"\"", "\" \""] {
        assert_eq!(on(value), Some(None), "{value}");
    }
    for value in ["7", "\"7\"", "\"1970-01-01T00:00:00.007Z\""] {
        assert_eq!(on(value), Some(Some(Timestamp::from_millis(7))), "{value}");
    }
    for value in [
        "1.5",
        "true",
        "{}",
        "[]",
        "\"2040-1-2\"",
        "9223372036854775808",
    ] {
        assert_eq!(on(value), None, "{value}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (document, expected) in [
        (
            "null",
            "The JSON body is invalid: it must be an object, and is null",
        ),
        (
            "[]",
            "The JSON body is invalid: it must be an object, and is a list",
        ),
        (
            "\"x\"",
            "The JSON body is invalid: it must be an object, and is text",
        ),
        (
            "{}",
            "The JSON body is invalid: the field `name` is missing",
        ),
        (
            r#"{"name":null}"#,
            "The JSON body is invalid at 'name': it must be text, and is null",
        ),
        (
            r#"{"name":"","nested":[{"name":true}]}"#,
            "The JSON body is invalid at 'nested[0].name': it must be text",
        ),
        (
            r#"{"name":"","nested":[[]]}"#,
            "The JSON body is invalid at 'nested[0]': it must be an object, and is a list",
        ),
        (
            r#"{"name":"","texts":"secret"}"#,
            "The JSON body is invalid at 'texts': it must be a list, and is text",
        ),
        (
            r#"{"Name":""}"#,
            "The JSON body is invalid at 'Name': there is no field \"Name\"; is \"name\" meant?",
        ),
        (
            r#"{"name":""} {}"#,
            "The JSON body is malformed: trailing characters at line 1 column 13",
        ),
        (
            "{\"name\":\"\",}",
            "The JSON body is malformed: trailing comma at line 1 column 12",
        ),
    ] {
        assert_eq!(message(document), expected);
    }
    for document in [
        "{'name':''}",
        "{name:\"\"}",
        "{\"name\":\"\"}//",
        "/**/{\"name\":\"\"}",
        "{",
        "{\"name\":NaN}",
    ] {
        assert!(
            message(document).starts_with("The JSON body is malformed: "),
            "{document}"
        );
    }
    let deep = format!(
        r#"{{"name":"","any":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    assert!(message(&deep).contains("recursion limit"));
}

#[test]
fn a_document_is_what_was_encoded() {
    let tree = any::<(Option<String>, String, bool, Option<i64>, Vec<String>)>();
    assert_holds(vec(tree, 1..4), |samples| {
        let mut samples = samples.into_iter().map(|(id, name, is_set, on, texts)| {
            let document =
                json!({"id": id, "name": name, "isSet": is_set, "on": on, "texts": texts});
            let on = on.map(Timestamp::from_millis);
            (
                document,
                Sample {
                    id,
                    name,
                    is_set,
                    on,
                    texts,
                    ..Sample::default()
                },
            )
        });
        let (mut document, mut expected) = samples.next().expect("there is one");
        let (nested, decoded): (Vec<_>, _) = samples.unzip();
        (document["nested"], expected.nested) = (nested.into(), decoded);
        assert_eq!(decode(document.to_string().as_bytes()), Ok(expected));
    });
}

#[test]
fn arbitrary_documents_are_decoded_or_refused() {
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
            "\"name\"",
            "\"nested\"",
            "null",
            "true",
            "1",
            "-1e9",
            " ",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let document = vec(piece, 0..16).prop_map(|pieces| pieces.concat());
    assert_holds(document, |document| {
        let _ = decode::<Sample>(document.as_bytes());
        let _ = decode::<Sample>(format!("{{\"name\":\"\",{document}}}").as_bytes());
    });
    assert_holds(vec(any::<u8>(), 0..64), |document| {
        let _ = decode::<Sample>(&document);
    });
}

#[test]
fn the_time_for_documents_is_linear() {
    for piece in [
        "[",
        "{",
        "\"name\":1,",
        "\"a\":1,",
        "\"",
        "\\",
        "{\"nested\":[",
        "{},",
        " ",
        "1",
    ] {
        for start in ["", "{", "{\"nested\":[", "{\"any\":{"] {
            let document = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            assert_linear(piece, 4_096, document, |document| {
                let _ = decode::<Sample>(document.as_bytes());
            });
        }
    }
}
