//! How queries are written, what they must not name, and how large they may be.

use super::{assert_malformed, assert_matches};
use crate::domain::query::Query;

#[test]
fn syntax() {
    for query in [
        r#"{"a":"b'"}"#,
        "{a:'b\\''}",
        "{ 'a' : \"b'\" , }",
        "{a:'b\\u0027'}",
        "{$and:[{a:\"b'\"},],}",
    ] {
        assert_matches(query, &["+{a:\"b'\"}", "-{a:'b'}"]);
    }
    assert_matches(
        "{attributes.first-name:1}",
        &["+{attributes:{'first-name':1}}"],
    );
    assert_matches("{größe:'\\ud83d\\ude00'}", &["+{größe:'😀'}"]);
    let date = "+{a:new Date(1495665332589)}";
    for value in [
        "{$date:1495665332589}",
        "{$date:'2017-05-24T22:35:32.589Z'}",
        "{$date:{$numberLong:'1495665332589'}}",
        "ISODate('2017-05-24T22:35:32.589Z')",
        "ISODate( \"2017-05-25T00:35:32.589+02:00\" )",
        "new Date(1495665332589)",
        "new  Date('2017-05-24T22:35:32.589Z')",
        "new ISODate('2017-05-24T22:35:32.589Z')",
    ] {
        assert_matches(&format!("{{a:{value}}}"), &[date, "-{a:1495665332589}"]);
    }
    for value in [
        "NumberLong(5)",
        "NumberLong('5')",
        "NumberInt(5)",
        "{$numberLong:'5'}",
        "{$numberInt:'5'}",
        "{$numberDouble:'5'}",
        "5.0",
        "5e0",
    ] {
        assert_matches(&format!("{{a:{value}}}"), &["+{a:5}", "-{a:'5'}"]);
    }
    assert_matches(
        "{a:new ObjectId(\"5925a68def86951f895cf497\")}",
        &["+{a:{$oid:'5925a68def86951f895cf497'}}"],
    );
    for query in [
        "a",
        "1",
        "[]",
        "'{}'",
        "{",
        "}",
        "{}}",
        "{} {}",
        "{a}",
        "{a:}",
        "{:1}",
        "{,}",
        "{a:1,,}",
        "{a:1 b:2}",
        "{a:[1 2]}",
        "{a:[,]}",
        "{a:'}",
        "{a:\"x'}",
        "{a:'\\x'}",
        "{a:'\\u12'}",
        "{a:'\\ud800'}",
        "{a:'\\udc00'}",
        "{a:01}",
        "{a:+1}",
        "{a:.5}",
        "{a:1.}",
        "{a:0x1}",
        "{a:--1}",
        "{a:1e}",
        "{a:truee}",
        "{a:undefined}",
        "{a:/x}",
        "{a:/x\\",
        "{a:ObjectId()}",
        "{a:ObjectId('x')}",
        "{a:ObjectId(5)}",
        "{a:ISODate()}",
        "{a:ISODate(5)}",
        "{a:ISODate('5')}",
        "{a:ISODate('2017-02-30')}",
        "{a:Date(5)}",
        "{a:new Foo(5)}",
        "{a:new}",
        "{a:NumberLong('x')}",
        "{a:NumberInt(5000000000)}",
        "{a:{$oid:'x'}}",
        "{a:{$oid:'5925a68def86951f895cf497',b:1}}",
        "{a:{$date:{}}}",
        "{a:{$date:1.5}}",
        "{a:{$numberLong:[]}}",
        "{a:1} // x",
        "{/* x */a:1}",
        "{a:/* x */1}",
        "{a:1/* x */}",
        "{a:\u{a0}1}",
        "\u{feff}{}",
    ] {
        assert_malformed(query, "The query is malformed at character ");
    }
    assert_malformed("{a:/* x */1}", "comments are not allowed");
    assert_malformed("{a:1} // x", "comments are not allowed");
    let message = |query| {
        Query::parse(query)
            .expect_err("it is malformed")
            .to_string()
    };
    assert_eq!(
        message("{ü:]"),
        "The query is malformed at character 4: a value is expected, and not ']'"
    );
    assert_eq!(
        message("{a:1"),
        "The query is malformed at character 5: a comma or a closing bracket is expected, and it ends"
    );
}

#[test]
fn bans_are_of_names() {
    let message = |query: &str| Query::parse(query).expect_err("it is banned").to_string();
    for (query, expected) in [
        ("{tenant:'x'}", r#"Field "tenant" is not allowed in query"#),
        (
            "{$or:[{$nor:[{'tenant.x':{$ne:1}}]}]}",
            r#"Field "tenant" is not allowed in query"#,
        ),
        (
            "{password:{$exists:1}}",
            r#"Field "password" is not allowed in query"#,
        ),
        (
            "{failedLoginAttempts:1}",
            r#"Field "failedLoginAttempts" is not allowed in query"#,
        ),
        (
            "{lastFailedLogin:1}",
            r#"Field "lastFailedLogin" is not allowed in query"#,
        ),
        ("{$where:'1'}", "$where operator is not allowed in query"),
        (
            "{a:{$where:'1'}}",
            "$where operator is not allowed in query",
        ),
        (
            "{a:{$elemMatch:{$or:[{$where:'1'}]}}}",
            "$where operator is not allowed in query",
        ),
        (
            "{a:{$rgex:'x'}}",
            "The query has an unknown operator $rgex at character 5; is $regex meant?",
        ),
        (
            "{$expr:{}}",
            "The query has an unknown operator $expr at character 2",
        ),
        (
            "{$eq:1}",
            "The query has an unknown operator $eq at character 2",
        ),
        (
            "{a:{$and:[]}}",
            "The query has an unknown operator $and at character 5; is $all meant?",
        ),
    ] {
        let found = message(query);
        // Which operator is meant is a guess.
        assert_eq!(
            found.split("; is").next(),
            expected.split("; is").next(),
            "{query}"
        );
    }
    assert_matches("{a:'tenant $where password'}", &["-{}"]);
    assert_matches("{attributes:{tenant:1}}", &["+{attributes:{tenant:1}}"]);
    assert_matches("{'attributes.password':1}", &["+{attributes:{password:1}}"]);
    assert_matches("{tenants:1}", &["+{tenants:1}"]);
}

#[test]
fn sizes_are_bounded() {
    let nested = format!("{{a:{}1{}}}", "[".repeat(99), "]".repeat(99));
    assert!(Query::parse(&nested).is_ok());
    for (open, close) in [("[", "]"), ("{a:", "}"), ("{$not:", "}"), ("[{a:", "}]")] {
        let nested = format!("{{a:{}1{}}}", open.repeat(16_000), close.repeat(16_000));
        assert_malformed(&nested, "nested deeper than 100 levels");
        assert_malformed(&format!("{{a:{}", open.repeat(16_000)), "nested deeper");
    }
    let names = format!("{{{}}}", "a:1,".repeat(1_001));
    assert_malformed(&names, "more than 1000 conditions");
    let regexes = format!("{{a:{{$in:[{}]}}}}", "/x/,".repeat(51));
    assert_malformed(&regexes, "more than 50 regular expressions");
    let many = format!("{{a:{{$in:[{}]}}}}", "1,".repeat(10_000));
    assert!(Query::parse(&many).is_ok());
    assert_malformed("{'a.1.2.3.4.5.6.7.8.9':1}", "more than 8 positions");
}
