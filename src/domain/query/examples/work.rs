//! How much work a query may be for one profile.

use std::cell::Cell;

use super::parse;
use crate::domain::query::value::{Fields, Value};

#[test]
fn a_large_regular_expression_is_given_up_on_long_texts() {
    // Of such ones, the engine looks at each of the states for each byte.
    let parts: Vec<_> = (998..1_000)
        .map(|count| format!("{{a:/(?:a|b)*a(?:a|b){{{count}}}c/}}"))
        .collect();
    let text: String = (0..30_000_usize)
        .map(|at| if at * at % 7 < 3 { 'a' } else { 'b' })
        .collect();
    let query = parse(&format!("{{$or:[{}]}}", parts.join(",")));
    for (length, expected) in [(100, false), (30_000, true), (100, false)] {
        let document = parse_value_of(&text[..length]);
        query.matches_document(&document);
        assert_eq!(query.was_too_much_work(), expected, "{length}");
    }
    // What is looked for in most queries is not.
    for small in [
        "{a:{$regex:'.*needle.*',$options:'i'}}",
        "{a:/^needle[0-9]+$/}",
        &format!("{{a:{{$in:[{}]}}}}", ["/needle/"; 50].join(",")),
    ] {
        let small = parse(small);
        assert!(!small.matches_document(&parse_value_of(&text)));
        assert!(!small.was_too_much_work());
    }
}

fn parse_value_of(text: &str) -> Value<'static> {
    Value::Document(vec![("a".into(), Value::Text(text.to_owned().into()))])
}

/// An array of so many documents as the field `a`, in which nothing has the value 1.
fn documents(count: usize) -> Value<'static> {
    let document = Value::Document(vec![
        ("b".into(), Value::Int(0)),
        ("c".into(), Value::Array(vec![Value::Int(0); 3])),
    ]);
    Value::Document(vec![("a".into(), Value::Array(vec![document; count]))])
}

#[test]
fn many_conditions_are_given_up_on_many_values() {
    for condition in [
        "{'a.b':1}",
        "{'a.b':{$not:{$ne:1}}}",
        "{'a.c':{$all:[1]}}",
        "{'a.c.0':{$gt:1}}",
        "{'a.x':{$exists:true}}",
        "{a:{$elemMatch:{b:1}}}",
        "{a:{$elemMatch:{$eq:1}}}",
        "{a:{$not:{$elemMatch:{b:0}}}}",
        "{a:{$in:[1,2,3]}}",
        "{a:[{b:0,c:[0,0,0]},{b:1}]}",
        "{a:{$size:1}}",
    ] {
        for (conditions, count, expected) in
            [(200, 2, false), (10, 1_500, false), (200, 10_000, true)]
        {
            // Of what is not looked into, no number of conditions is too much.
            let expected = expected && !condition.contains("$size");
            let query = parse(&format!(
                "{{$or:[{}]}}",
                vec![condition; conditions].join(",")
            ));
            let is_match = query.matches_document(&documents(count));
            let is_too_much = query.was_too_much_work();
            assert_eq!(is_too_much, expected, "{condition} {conditions} {count}");
            assert!(is_too_much || !is_match, "{condition}");
        }
    }
    // What was too much is that of one profile only.
    let query = parse(&format!("{{$nor:[{}]}}", vec!["{'a.b':1}"; 300].join(",")));
    query.matches_document(&documents(10_000));
    assert!(query.was_too_much_work());
    assert!(query.matches_document(&documents(2)));
    assert!(!query.was_too_much_work());
}

/// A document that counts how often its attributes are looked up.
struct Counting(Cell<usize>);

impl Fields for Counting {
    fn field(&self, _: &str) -> Option<Value<'_>> {
        None
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.0.set(self.0.get() + 1);
        (name != "none").then(|| Value::Array(vec![Value::Int(1)]))
    }
}

#[test]
fn a_list_is_decoded_once_for_all_conditions_on_it() {
    let document = Counting(Cell::new(0));
    let query = "{'attributes.a':1,'attributes.b':{$ne:2},$or:[{'attributes.a.0':2},{'attributes.a':{$size:1}}]}";
    assert!(parse(query).matches(&document));
    assert_eq!(document.0.get(), 2);
    assert!(parse("{'attributes.none':null,attributes:null}").matches(&document));
}
