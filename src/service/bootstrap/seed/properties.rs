//! The seed loader on invalid files.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::clock::timeline::Timeline;
use crate::domain::key_ring::{KeyRing, SecretKey};
use crate::entropy::Entropy;
use crate::property::{assert_holds, assert_holds_on_corpus, assert_linear, damaged};
use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::List;
use crate::service::bootstrap::seed_reader::SeedFile;
use crate::service::import::prepare::{Fault, Preparer};
use crate::storage::codec::properties::json;

/// The example data.
const DEMO: &[u8] = include_bytes!("../../../../data/demo.json");

/// Checks every entry of a file by itself. Returns the number of entries.
fn read(file: &[u8]) -> Result<usize, SeedError> {
    let keys = KeyRing::new(BTreeMap::from([(1, SecretKey::new(&[1; 32]))]), true);
    let keys = Arc::new(keys.expect("there is a key"));
    let now = Timestamp::from_millis(77);
    let mut preparer = Preparer::with(now, Timeline::default(), keys, Entropy::seeded(1));
    let mut file = SeedFile::check(Cursor::new(file.to_vec()), |_| {})?;
    let mut count = 0;
    for list in List::ALL {
        let mut refusal = None;
        file.each(list, |index, _, entry| {
            count += 1;
            if let Err(Fault::Invalid { field, what }) = preparer.prepare(entry) {
                let path = format!("{}[{index}].{field}", list.name());
                refusal = Some(SeedError::at(path, what));
            }
            refusal.is_none()
        })?;
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
    }
    Ok(count)
}

/// The JSON pointers of every value in `value`, itself included.
fn pointers(value: &mut Value) -> Vec<String> {
    let mut pointers = vec![String::new()];
    let inner: Vec<(String, &mut Value)> = match value {
        Value::Array(items) => {
            let items = items.iter_mut().enumerate();
            items
                .map(|(index, item)| (index.to_string(), item))
                .collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter_mut();
            fields.map(|(name, field)| (name.clone(), field)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inner {
        let below = self::pointers(value);
        pointers.extend(below.into_iter().map(|pointer| format!("/{name}{pointer}")));
    }
    pointers
}

#[test]
fn any_file_is_refused_or_loaded() {
    assert_holds(vec(any::<u8>(), 0..256), |file| {
        let _ = read(&file);
    });
    let pieces = select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u",
        "null",
        "true",
        "1",
        "-",
        "e9",
        ".",
        " ",
        "\"tenant\"",
        "\"profile\"",
        "\"_id\"",
        "\"$oid\"",
        "\"$date\"",
        "\"attributes\"",
    ]);
    assert_holds(vec(pieces, 0..32), |pieces| {
        let _ = read(pieces.concat().as_bytes());
    });
    assert_holds(json(), |value| {
        let _ = read(value.to_string().as_bytes());
    });
}

#[test]
fn a_file_of_the_corpus_is_refused_or_read_whole() {
    assert_holds_on_corpus("seed", |file| {
        let Ok(count) = read(file) else { return };
        let mut checked = 0;
        let again = SeedFile::check(Cursor::new(file.to_vec()), |_| checked += 1);
        again.expect("it was read");
        assert_eq!(count, checked);
    });
}

#[test]
fn a_damaged_file_is_refused_or_loaded() {
    let demo: Value = serde_json::from_slice(DEMO).expect("it is JSON");
    assert!(read(DEMO).is_ok());
    assert_holds(damaged(proptest::strategy::Just(DEMO.to_vec())), |file| {
        let _ = read(&file);
    });
    let wrapped = (select(vec!["$oid", "$date", "$numberLong"]), json())
        .prop_map(|(name, value)| serde_json::json!({ name: value }));
    let dates = "[0-9+TZ:.-]{0,24}".prop_map(|text| serde_json::json!({ "$date": text }));
    let other = prop_oneof![json(), wrapped, dates];
    assert_holds((any::<Index>(), other), |(chosen, other)| {
        let mut file = demo.clone();
        let pointers = pointers(&mut file);
        let pointer = &pointers[chosen.index(pointers.len())];
        *file.pointer_mut(pointer).expect("the value exists") = other;
        let _ = read(file.to_string().as_bytes());
    });
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    for start in [
        "",
        r#"{"tenant":"#,
        r#"{"tenant":[{"name":"a","attributeDefinitions":[{"name":"b","metadata":"#,
        r#"{"tenant":[{"name":"a","attributeDefinitions":[{"name":"b","defaultValue":"#,
        r#"{"tenant":[{"_id":"#,
        r#"{"profile":[{"createdOn":"#,
        r#"{"profile":[{"attributes":"#,
        r#"{"nonsense":"#,
    ] {
        for piece in ["[", "{\"a\":", "{\"$oid\":", "{\"$date\":", "[[],"] {
            assert!(read(format!("{start}{}", piece.repeat(100_000)).as_bytes()).is_err());
        }
    }
}

#[test]
fn long_files_take_linear_time() {
    let files = [
        ("", "[", ""),
        ("", "{\"a\":", ""),
        ("", " ", "{}"),
        ("{}", " ", ""),
        ("{\"", "a", "\":1}"),
        ("{\"", "\\u0000", "\":1}"),
        (r#"{"tenant":["#, r#"{"name":"a"},"#, "{}]}"),
        (r#"{"tenant":[{"name":""#, "a", "\"}]}"),
        (r#"{"tenant":[{"name":""#, "\\ud800\\udc00", "\"}]}"),
        (r#"{"tenant":[{"_id":""#, "0", "\",\"name\":\"a\"}]}"),
        (
            r#"{"tenant":[{"_id":{"$oid":"a","#,
            r#""$oid":"b","#,
            r#""a":1},"name":"a"}]}"#,
        ),
        (
            r#"{"tenant":[{"name":"a","availableRoles":["#,
            "\"a\",",
            "\"a\"]}]}",
        ),
        (r#"{"profile":[{"password":""#, "AAAA", "|\"}]}"),
        (r#"{"profile":[{"createdOn":{"$date":""#, "2017-", "\"}}]}"),
        (r#"{"profile":[{"createdOn":"#, "1", "}]}"),
        (
            r#"{"profile":[{"createdOn":{"$date":{"$numberLong":""#,
            "1",
            "\"}}}]}",
        ),
        (r#"{"profile":[{"attributes":{"a":"#, "1", "}}]}"),
        (r#"{"profile":[{"attributes":{"a":0."#, "1", "}}]}"),
        (r#"{"profile":[{"attributes":{"a":1e"#, "1", "}}]}"),
        (
            r#"{"profile":[{"attributes":{"#,
            r#""a":1,"#,
            r#""b":1}}]}"#,
        ),
        (
            r#"{"accesstoken":["#,
            r#"{"application":"a"},"#,
            r#"{"application":"a"}]}"#,
        ),
    ];
    for (start, piece, end) in files {
        let file = |size: usize| format!("{start}{}{end}", piece.repeat(size / piece.len()));
        assert_linear(start, 4_096, file, |file| {
            let _ = read(file.as_bytes());
        });
    }
}

#[test]
fn many_entries_take_linear_time() {
    let file = |count: usize| {
        let entries = |entry: &dyn Fn(usize) -> String| {
            let all: Vec<_> = (0..count).map(entry).collect();
            all.join(",")
        };
        let tenants = entries(&|number| format!(r#"{{"name":"t{number}"}}"#));
        let profiles = entries(&|number| {
            format!(
                r#"{{"_id":"{number:024x}","username":"u","enabled":true,"tenant":"t{number}",
                     "attributes":{{"a{number}":1}}}}"#
            )
        });
        let logins = entries(&|number| {
            format!(
                r#"{{"tenant":"t{number}","profileId":"{number:024x}",
                     "token":"00000000-0000-4000-8000-000000000000"}}"#
            )
        });
        let file = format!(
            r#"{{"tenant":[{tenants}],"profile":[{profiles}],"persistentlogin":[{logins}]}}"#
        );
        assert!(read(file.as_bytes()).is_ok());
        file
    };
    assert_linear("entries", 32, file, |file| {
        let _ = read(file.as_bytes());
    });
}
