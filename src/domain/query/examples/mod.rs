//! What matches what: the examples of MongoDB's documentation and the cases between them.

mod operators;
mod ranges;
mod regexes;
mod text;
mod work;

use crate::domain::query::error::QueryError;
use crate::domain::query::{Query, parse_value};

fn parse(query: &str) -> Query {
    Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn is_match(query: &str, document: &str) -> bool {
    let value = parse_value(document).unwrap_or_else(|error| panic!("{document}: {error}"));
    parse(query).matches_document(&value)
}

/// Asserts that of the documents those with a `+` before them match, and those with a `-` do not.
#[track_caller]
fn assert_matches(query: &str, documents: &[&str]) {
    for document in documents {
        let (sign, document) = document.split_at(1);
        assert_eq!(
            is_match(query, document),
            sign == "+",
            "{query} on {document}"
        );
    }
}

#[track_caller]
fn assert_malformed(query: &str, part_of_reason: &str) {
    match Query::parse(query) {
        Err(error @ QueryError::Malformed { .. }) => {
            let message = error.to_string();
            assert!(message.contains(part_of_reason), "{query}: {message}");
        }
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn nothing_is_asked_of_all() {
    for query in ["", " \n", "{}", " { } "] {
        assert_matches(query, &["+{}", "+{a:1}"]);
        assert_eq!(parse(query).fields().count(), 0);
    }
}

#[test]
fn equality() {
    assert_matches(
        "{a:1}",
        &[
            "+{a:1}",
            "+{a:1.0}",
            "+{a:[2,1]}",
            "-{a:[[1]]}",
            "-{a:'1'}",
            "-{b:1}",
            "-{a:true}",
        ],
    );
    assert_matches("{a:'x'}", &["+{a:'x'}", "-{a:'X'}", "-{a:'xx'}", "-{}"]);
    assert_matches(
        "{a:[1,2]}",
        &[
            "+{a:[1,2]}",
            "+{a:[[1,2]]}",
            "-{a:[2,1]}",
            "-{a:[1,2,3]}",
            "-{a:1}",
        ],
    );
    assert_matches(
        "{a:{b:1,c:2}}",
        &[
            "+{a:{b:1,c:2.0}}",
            "+{a:[{b:1,c:2}]}",
            "-{a:{c:2,b:1}}",
            "-{a:{b:1,c:2,d:3}}",
            "-{a:{b:1}}",
        ],
    );
    assert_matches(
        "{a:null}",
        &[
            "+{a:null}",
            "+{}",
            "+{a:[null]}",
            "-{a:[]}",
            "-{a:0}",
            "-{a:false}",
        ],
    );
    assert_matches("{a:{}}", &["+{a:{}}", "-{a:{b:1}}", "-{}"]);
    assert_matches("{a:[]}", &["+{a:[]}", "+{a:[[]]}", "-{a:[1]}", "-{}"]);
    assert_matches(
        "{a:ObjectId('5925a68def86951f895cf497')}",
        &[
            "+{a:{$oid:'5925A68DEF86951F895CF497'}}",
            "-{a:'5925a68def86951f895cf497'}",
        ],
    );
    assert_matches("{a:true}", &["+{a:true}", "-{a:1}", "-{a:false}"]);
    assert_matches(
        "{a:9007199254740993}",
        &["+{a:9007199254740993}", "-{a:9007199254740992.0}"],
    );
}

#[test]
fn paths() {
    assert_matches(
        "{'a.b':1}",
        &[
            "+{a:{b:1}}",
            "+{a:[{b:2},{b:1}]}",
            "+{a:[{b:[3,1]}]}",
            "-{a:[[{b:1}]]}",
            "-{a:1}",
            "-{'a.b':1}",
        ],
    );
    assert_matches(
        "{'a.b':null}",
        &[
            "+{a:{}}",
            "+{}",
            "+{a:1}",
            "+{a:[{b:1},{}]}",
            "-{a:[{b:1}]}",
            "-{a:[]}",
            "-{a:[4]}",
            "+{a:null}",
        ],
    );
    assert_matches(
        "{'a.1':7}",
        &[
            "+{a:[5,7]}",
            "-{a:[7,5]}",
            "+{a:{'1':7}}",
            "-{a:[5,[7]]}",
            "+{a:[{'1':7}]}",
        ],
    );
    assert_matches("{'a.1':[2,4]}", &["+{a:[5,[2,4]]}"]);
    assert_matches(
        "{'a.1.b':4}",
        &[
            "+{a:[5,{b:4}]}",
            "+{a:[5,[{b:4}]]}",
            "-{a:[{b:4},5]}",
            "+{a:[5,{b:[4]}]}",
        ],
    );
    assert_matches("{'a.0.0':1}", &["+{a:[[1]]}", "-{a:[1]}"]);
    assert_matches("{'a.01':7}", &["-{a:[5,7]}", "+{a:{'01':7}}"]);
    assert_matches("{'a.b.c':1}", &["+{a:[{b:[{c:2},{c:1}]}]}", "-{a:{b:1}}"]);
    assert_matches(
        "{'attributes.x':1}",
        &["+{attributes:{x:1}}", "-{attributes:{}}", "-{x:1}"],
    );
}

#[test]
fn the_same_name_twice_and_what_the_social_module_sends() {
    assert_matches("{a:1,a:2}", &["+{a:[1,2]}", "-{a:1}", "-{a:2}"]);
    assert_matches("{a:{$gt:1,$gt:5}}", &["+{a:6}", "-{a:3}"]);
    let query = "{'attributes.contexts.id':'c1','attributes.contexts.roles':{$in:['A','B']}}";
    assert_matches(
        query,
        &[
            "+{attributes:{contexts:[{id:'c1',roles:['B']}]}}",
            // Each may hold for a document of its own.
            "+{attributes:{contexts:[{id:'c1',roles:[]},{id:'c2',roles:['A']}]}}",
            "-{attributes:{contexts:[{id:'c1',roles:['C']}]}}",
            "-{attributes:{}}",
        ],
    );
}
