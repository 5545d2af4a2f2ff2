//! What is known of all that matches.

use super::parse;
use crate::domain::query::ranges::{IdRange, UsernameRange};

#[test]
fn fields_are_those_of_the_profile() {
    let query =
        parse("{$or:[{b:1},{$nor:[{'attributes.x.y':{$elemMatch:{z:1}}}]}],a:1,a:{$not:{$gt:1}}}");
    assert_eq!(Vec::from_iter(query.fields()), ["a", "attributes.x.y", "b"]);
    assert_eq!(Vec::from_iter(query.needs()), ["a", "attributes", "b"]);
}

#[test]
fn ranges() {
    use UsernameRange::{Any, Exactly, In, StartsWith};
    for (query, expected) in [
        ("{}", Any),
        ("{username:'a'}", Exactly("a")),
        ("{username:{$eq:'a'},email:'b'}", Exactly("a")),
        ("{username:5}", In(vec![])),
        ("{username:{$in:['b','a','b',5]}}", In(vec!["a", "b"])),
        ("{username:{$in:['b',/a/]}}", Any),
        (
            "{username:{$in:['a','b']},username:{$in:['b','c']}}",
            In(vec!["b"]),
        ),
        ("{$and:[{username:'a'},{username:'b'}]}", In(vec![])),
        (
            "{$and:[{username:/^a/},{username:{$regex:'^ab'}}]}",
            StartsWith("ab"),
        ),
        ("{username:/^a/,username:'ab'}", Exactly("ab")),
        ("{username:/^a/,username:{$in:['b','ab']}}", In(vec!["ab"])),
        ("{username:/^a\\.b+c/}", StartsWith("a.b")),
        ("{username:/^ab*/}", StartsWith("a")),
        ("{username:/^ab?/}", StartsWith("a")),
        ("{username:/^ab{0}/}", StartsWith("a")),
        ("{username:/^ab$/}", StartsWith("ab")),
        ("{username:/^ab\\E*/}", StartsWith("a")),
        ("{username:/^ab\\Q\\E?/}", StartsWith("a")),
        ("{username:/^ab(?#c)*/}", StartsWith("a")),
        ("{username:/^a|b/}", Any),
        ("{username:/^a/i}", Any),
        ("{username:/^a/m}", Any),
        ("{username:/a/}", Any),
        ("{username:/^/}", Any),
        ("{username:/^(?i)a/}", Any),
        ("{username:/^\\x41/}", Any),
        ("{username:{$all:['a']}}", Exactly("a")),
        ("{username:{$not:{$eq:'a'}}}", Any),
        ("{username:{$gt:'a'}}", Any),
        ("{$or:[{username:'a'}]}", Any),
        ("{$nor:[{username:'a'}]}", Any),
        ("{'username.x':'a'}", Any),
    ] {
        assert_eq!(parse(query).usernames(), expected, "{query}");
    }
    let id = "ObjectId('5925a68def86951f895cf497')";
    let ids = |query: String| parse(&query).ids();
    let IdRange::In(one) = ids(format!("{{_id:{id}}}")) else {
        panic!("an id is a range");
    };
    assert_eq!(one.len(), 1);
    assert_eq!(
        ids(format!("{{_id:{{$in:[{id},5,/x/]}}}}")),
        IdRange::In(one.clone())
    );
    assert_eq!(
        ids(format!("{{_id:{{$eq:{id}}},_id:{{$ne:{id}}}}}")),
        IdRange::In(one)
    );
    assert_eq!(
        ids("{_id:'5925a68def86951f895cf497'}".to_owned()),
        IdRange::In(vec![])
    );
    assert_eq!(ids(format!("{{_id:{{$ne:{id}}}}}")), IdRange::Any);
}
