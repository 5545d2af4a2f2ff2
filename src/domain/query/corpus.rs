//! Queries worth keeping, and damaged ones, parsed and matched.

use super::{Query, parse_value};
use crate::property::assert_holds_on_corpus;

const PROFILE: &str = r#"{"_id":{"$oid":"5925a68def86951f895cf497"},"username":"jdoe","email":"jdoe@example.com",
    "enabled":true,"createdOn":{"$date":1495665332589},"roles":["admin","user"],
    "attributes":{"a":[1,1.5,null,"x",[2]],"contexts":[{"id":"x","roles":["admin"]},{"id":"y"},7],
    "n":-9223372036854775808}}"#;

/// What no query may name.
const BANNED: [&str; 4] = [
    "tenant",
    "password",
    "failedLoginAttempts",
    "lastFailedLogin",
];

#[test]
fn a_query_of_the_corpus_is_refused_or_matched() {
    let profile = parse_value(PROFILE).expect("it is valid");
    assert_holds_on_corpus("query", |text| {
        let text = String::from_utf8_lossy(text);
        let Ok(query) = Query::parse(&text) else {
            return;
        };
        for name in query.needs() {
            assert!(!BANNED.contains(&name), "{name}");
        }
        // The same query again, and what nothing meets that meets it. They may be too deep, or too long.
        let matches = query.matches_document(&profile);
        let holds = |text: &str| Some(Query::parse(text).ok()?.matches_document(&profile));
        if !text.trim().is_empty() {
            let again = holds(&format!("{{$and:[{text},{text}]}}"));
            assert_eq!(again.unwrap_or(matches), matches);
            let others = holds(&format!("{{$nor:[{text}]}}"));
            assert_eq!(others.unwrap_or(!matches), !matches);
        }
    });
}
