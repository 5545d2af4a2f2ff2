//! What matches what: the examples of MongoDB's documentation and the cases between them.

use crate::domain::query::error::QueryError;
use crate::domain::query::ranges::{IdRange, UsernameRange};
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

#[test]
fn comparison() {
    assert_matches(
        "{a:{$gt:1}}",
        &[
            "+{a:2}",
            "+{a:1.5}",
            "-{a:1}",
            "-{a:'2'}",
            "-{}",
            "-{a:null}",
            "+{a:[0,2]}",
            "-{a:true}",
        ],
    );
    assert_matches(
        "{a:{$gte:1,$lt:3}}",
        &["+{a:1}", "+{a:2.9}", "-{a:3}", "+{a:[0,5]}"],
    );
    assert_matches(
        "{a:{$lt:'b'}}",
        &["+{a:'a'}", "+{a:'B'}", "+{a:''}", "-{a:'b'}", "-{a:1}"],
    );
    assert_matches("{a:{$gte:null}}", &["+{a:null}", "+{}", "-{a:1}"]);
    assert_matches("{a:{$gt:null}}", &["-{a:null}", "-{}", "-{a:1}"]);
    assert_matches(
        "{a:{$gt:[1,2]}}",
        &[
            "+{a:[1,3]}",
            "+{a:[2]}",
            "-{a:[1,2]}",
            "-{a:5}",
            "+{a:[[1,3]]}",
        ],
    );
    assert_matches("{a:{$gt:false}}", &["+{a:true}", "-{a:1}"]);
    assert_matches(
        "{a:{$lt:ISODate('2017-05-24T22:35:33Z')}}",
        &["+{a:{$date:1495665332589}}", "-{a:1495665332589}"],
    );
    assert_matches(
        "{a:{$gte:{b:1}}}",
        &["+{a:{b:1}}", "+{a:{b:2}}", "-{a:{b:0}}", "-{a:1}"],
    );
    assert_matches("{a:{$gte:NaN}}", &["+{a:NaN}", "-{a:1}"]);
    assert_matches("{a:{$lt:5}}", &["-{a:NaN}", "+{a:-Infinity}"]);
    assert_matches("{a:{$gt:NaN}}", &["-{a:NaN}", "-{a:1}"]);
    assert_matches("{a:NaN}", &["+{a:NaN}", "-{a:1}"]);
    assert_matches(
        "{a:{$ne:1}}",
        &["+{a:2}", "+{}", "-{a:1}", "-{a:[2,1]}", "+{a:'1'}"],
    );
    assert_matches("{a:{$ne:null}}", &["+{a:2}", "-{}", "-{a:null}", "+{a:[]}"]);
    assert_matches(
        "{a:{$eq:{$oid:'5925a68def86951f895cf497'}}}",
        &["+{a:ObjectId('5925a68def86951f895cf497')}"],
    );
    assert_matches("{a:{$eq:{b:1}}}", &["+{a:{b:1}}"]);
}

#[test]
fn sets() {
    assert_matches(
        "{a:{$in:[1,'x',null]}}",
        &[
            "+{a:1.0}",
            "+{a:'x'}",
            "+{}",
            "+{a:null}",
            "-{a:2}",
            "+{a:[7,'x']}",
        ],
    );
    assert_matches(
        "{a:{$in:[/^x/i,5]}}",
        &["+{a:'Xy'}", "+{a:5}", "-{a:'yx'}", "+{a:['xx']}"],
    );
    assert_matches("{a:{$in:[]}}", &["-{}", "-{a:1}"]);
    assert_matches(
        "{a:{$in:[[1],{b:1}]}}",
        &["+{a:[1]}", "+{a:[[1]]}", "+{a:{b:1}}", "-{a:1}"],
    );
    assert_matches(
        "{a:{$nin:[1,null]}}",
        &["+{a:2}", "-{a:1}", "-{}", "-{a:[1,2]}", "+{a:[]}"],
    );
    assert_matches(
        "{a:{$in:[{$regex:'^x',$options:'i'}]}}",
        &["+{a:'X'}", "-{a:'y'}"],
    );
    assert_malformed("{a:{$in:1}}", "needs a list");
    assert_malformed("{a:{$nin:{b:1}}}", "needs a list");
    assert_malformed("{a:{$in:[{$gt:1}]}}", "cannot stand in this list");
}

#[test]
fn logic() {
    assert_matches("{$or:[{a:1},{b:2}]}", &["+{a:1}", "+{b:2}", "-{a:2}"]);
    assert_matches(
        "{$and:[{a:1},{b:2}],c:3}",
        &["+{a:1,b:2,c:3}", "-{a:1,b:2}", "-{a:1,c:3}"],
    );
    assert_matches("{$nor:[{a:1},{b:2}]}", &["+{}", "-{a:1}", "-{b:2}"]);
    assert_matches(
        "{a:{$not:{$gt:1}}}",
        &["+{}", "+{a:1}", "+{a:'x'}", "-{a:2}", "-{a:[0,2]}"],
    );
    assert_matches("{a:{$not:{$gt:1,$lt:5}}}", &["+{a:7}", "-{a:3}"]);
    assert_matches(
        "{a:{$not:/^x/}}",
        &["+{}", "+{a:'y'}", "-{a:'x'}", "+{a:1}"],
    );
    assert_matches(
        "{a:{$not:{$regex:'^X',$options:'i'}}}",
        &["-{a:'x'}", "+{a:'y'}"],
    );
    assert_matches("{a:{$not:{$not:{$gt:1}}}}", &["+{a:2}", "-{a:1}"]);
    for query in ["{$and:[]}", "{$or:{}}", "{$nor:[1]}", "{$or:[{},[]]}"] {
        assert_malformed(query, "needs a list of documents that is not empty");
    }
    for query in ["{a:{$not:1}}", "{a:{$not:{}}}", "{a:{$not:[]}}"] {
        assert_malformed(query, "$not needs");
    }
    assert_malformed("{a:{$not:{b:1}}}", "stands among operators");
}

#[test]
fn elements_and_types() {
    assert_matches("{a:{$exists:true}}", &["+{a:null}", "+{a:[]}", "-{}"]);
    assert_matches("{a:{$exists:false}}", &["-{a:null}", "+{}"]);
    assert_matches(
        "{'a.b':{$exists:true}}",
        &["+{a:[{b:1},{}]}", "-{a:[{}]}", "-{a:[]}"],
    );
    for truth in ["1", "'false'", "{}", "[]", "-1", "NaN"] {
        assert_matches(&format!("{{a:{{$exists:{truth}}}}}"), &["+{a:1}", "-{}"]);
    }
    for falsehood in ["0", "0.0", "null", "NumberLong(0)"] {
        assert_matches(
            &format!("{{a:{{$exists:{falsehood}}}}}"),
            &["-{a:1}", "+{}"],
        );
    }
    for name in ["'string'", "2", "2.0", "['string']", "['int',2]"] {
        assert_matches(
            &format!("{{a:{{$type:{name}}}}}"),
            &["+{a:'x'}", "-{a:true}", "+{a:[true,'x']}", "-{}"],
        );
    }
    assert_matches(
        "{a:{$type:'number'}}",
        &["+{a:1}", "+{a:1.5}", "+{a:5000000000}", "-{a:'1'}"],
    );
    assert_matches(
        "{a:{$type:'int'}}",
        &["+{a:1}", "-{a:1.0}", "-{a:5000000000}"],
    );
    assert_matches("{a:{$type:18}}", &["-{a:1}", "+{a:5000000000}"]);
    assert_matches("{a:{$type:'double'}}", &["-{a:1}", "+{a:1.0}"]);
    assert_matches("{a:{$type:'array'}}", &["+{a:[]}", "+{a:[1]}", "-{a:1}"]);
    assert_matches("{a:{$type:'null'}}", &["+{a:null}", "-{}"]);
    assert_matches(
        "{a:{$type:['object','date','objectId','bool']}}",
        &[
            "+{a:{}}",
            "+{a:new Date(5)}",
            "+{a:false}",
            "+{a:ObjectId('5925a68def86951f895cf497')}",
        ],
    );
    assert_matches("{a:{$type:'decimal'}}", &["-{a:1}"]);
    for query in [
        "{a:{$type:'text'}}",
        "{a:{$type:0}}",
        "{a:{$type:[]}}",
        "{a:{$type:1.5}}",
        "{a:{$type:{}}}",
    ] {
        assert_malformed(query, "$type needs");
    }
    assert_matches(
        "{a:{$mod:[4,1]}}",
        &[
            "+{a:5}",
            "+{a:5.9}",
            "-{a:6}",
            "-{a:-5}",
            "-{a:'5'}",
            "-{}",
            "-{a:NaN}",
            "+{a:[6,9]}",
        ],
    );
    assert_matches("{a:{$mod:[-4.5,-1]}}", &["+{a:-5}"]);
    assert_matches("{a:{$mod:[-1,0]}}", &["+{a:-9223372036854775808}"]);
    for query in [
        "{a:{$mod:[0,1]}}",
        "{a:{$mod:[1]}}",
        "{a:{$mod:[1,2,3]}}",
        "{a:{$mod:1}}",
        "{a:{$mod:['a',1]}}",
    ] {
        assert_malformed(query, "$mod needs");
    }
}

#[test]
fn arrays() {
    assert_matches(
        "{a:{$all:['x','y']}}",
        &["+{a:['y','z','x']}", "-{a:['x']}", "-{a:'x'}", "-{}"],
    );
    assert_matches("{a:{$all:['x']}}", &["+{a:'x'}", "+{a:['x']}"]);
    assert_matches("{a:{$all:[]}}", &["-{a:[]}", "-{}", "-{a:[1]}"]);
    assert_matches(
        "{a:{$all:[/^x/,null]}}",
        &["+{a:['xy',null]}", "-{a:['xy']}"],
    );
    assert_matches(
        "{a:{$all:[[1,2]]}}",
        &["+{a:[1,2]}", "+{a:[[1,2]]}", "-{a:[2,1]}"],
    );
    assert_matches(
        "{a:{$all:[{$elemMatch:{b:1,c:{$gt:1}}},{$elemMatch:{b:2}}]}}",
        &["+{a:[{b:1,c:2},{b:2}]}", "-{a:[{b:1,c:2}]}"],
    );
    assert_malformed("{a:{$all:1}}", "needs a list");
    assert_malformed("{a:{$all:[{$gt:1}]}}", "cannot stand");
    assert_malformed(
        "{a:{$all:[{$elemMatch:{b:1}},2]}}",
        "all of the list must be $elemMatch",
    );
    assert_matches(
        "{a:{$size:0}}",
        &["+{a:[]}", "-{}", "-{a:[1]}", "-{a:null}"],
    );
    assert_matches("{a:{$size:2.0}}", &["+{a:[1,[2]]}", "-{a:[[1,2]]}"]);
    for query in [
        "{a:{$size:-1}}",
        "{a:{$size:1.5}}",
        "{a:{$size:'1'}}",
        "{a:{$size:null}}",
    ] {
        assert_malformed(query, "$size needs");
    }
    assert_matches(
        "{a:{$elemMatch:{$gte:80,$lt:85}}}",
        &["+{a:[82,90]}", "-{a:[75,88]}", "-{a:82}", "-{}", "-{a:[]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{b:1,c:2}}}",
        &["+{a:[{b:1,c:2}]}", "-{a:[{b:1},{c:2}]}", "-{a:{b:1,c:2}}"],
    );
    assert_matches(
        "{a:{$elemMatch:{$or:[{b:1},{c:2}]}}}",
        &["+{a:[{c:2}]}", "-{a:[{b:2}]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{'0':1}}}",
        &["+{a:[[1]]}", "-{a:[[2,1]]}", "-{a:[1]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{$elemMatch:{$gt:1}}}}",
        &["+{a:[[0,2]]}", "-{a:[2]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{}}}",
        &["+{a:[{}]}", "+{a:[[]]}", "-{a:[1]}"],
    );
    assert_matches("{a:{$elemMatch:{$ne:1}}}", &["+{a:[1,2]}", "-{a:[1]}"]);
    assert_matches(
        "{a:{$elemMatch:{$in:['x'],$nin:['y']}}}",
        &["+{a:['x']}", "-{a:['y']}"],
    );
    assert_matches(
        "{'a.b':{$elemMatch:{c:{$exists:false}}}}",
        &["+{a:[{b:[{}]}]}", "-{a:[{b:[{c:1}]}]}"],
    );
    // What is banned at the top may be the name of anything else.
    assert_matches("{a:{$elemMatch:{tenant:1}}}", &["+{a:[{tenant:1}]}"]);
    assert_malformed("{a:{$elemMatch:1}}", "$elemMatch needs");
}

#[test]
fn regular_expressions() {
    assert_matches(
        "{username:{$regex:'.*LI.*',$options:'i'}}",
        &[
            "+{username:'alice'}",
            "+{username:'Li'}",
            "-{username:'bob'}",
            "-{username:1}",
            "-{}",
        ],
    );
    assert_matches(
        "{a:/^al/}",
        &[
            "+{a:'alice'}",
            "-{a:'Alice'}",
            "-{a:'pal'}",
            "+{a:['x','al']}",
        ],
    );
    assert_matches("{a:/a\\/b/}", &["+{a:'a/b'}"]);
    assert_matches("{a:{$regex:/x/i}}", &["+{a:'X'}"]);
    assert_matches("{a:{$regex:/x/,$options:'i'}}", &["+{a:'X'}"]);
    assert_matches("{a:{$options:'i',$regex:'x'}}", &["+{a:'X'}"]);
    assert_matches("{a:{$regex:'x',$regex:'y'}}", &["+{a:'xy'}", "-{a:'x'}"]);
    assert_matches("{a:{$regex:'^b',$options:'m'}}", &["+{a:'a\\nb'}"]);
    assert_matches("{a:{$regex:'^b'}}", &["-{a:'a\\nb'}"]);
    assert_matches("{a:{$regex:'a.b',$options:'s'}}", &["+{a:'a\\nb'}"]);
    assert_matches("{a:{$regex:'a.b'}}", &["-{a:'a\\nb'}"]);
    assert_matches(
        "{a:{$regex:'a b # c\\n [ #] d',$options:'x'}}",
        &["+{a:'ab d'}", "+{a:'ab#d'}", "-{a:'abd'}"],
    );
    assert_matches(
        "{a:{$regex:'STRASSE Ö',$options:'iu'}}",
        &["+{a:'strasse ö'}"],
    );
    assert_malformed("{a:{$options:'i'}}", "$options needs a $regex");
    assert_malformed(
        "{a:{$regex:/x/i,$options:'i'}}",
        "options in $regex and in $options",
    );
    assert_malformed("{a:{$regex:1}}", "$regex needs");
    assert_malformed("{a:{$regex:'x',$options:'q'}}", "are i, m, s, x and u");
    assert_malformed("{a:/x/g}", "are i, m, s, x and u");
    assert_malformed("{a:{$eq:/x/}}", "cannot be a part of a value");
    assert_malformed("{a:{$ne:/x/}}", "cannot be a part of a value");
    assert_malformed("{a:{$gt:/x/}}", "cannot be a part of a value");
    for pattern in [
        "(?=a)b",
        "(?<!a)b",
        "(a)\\\\1",
        "a++",
        "(?>a)",
        "\\\\p{L}",
        "(",
        "a{3000}{3000}",
        "*",
        "[a",
        "(((((a{30}){30}){30}){30}){30})",
    ] {
        assert_malformed(
            &format!("{{a:{{$regex:'{pattern}'}}}}"),
            "regular expression",
        );
    }
}

#[test]
fn regular_expressions_are_those_of_pcre() {
    for (pattern, text, expected) in [
        (r"^\d+$", "12", true),
        (r"^\d+$", "١٢", false),
        (r"^\w+$", "é", false),
        (r"^[\w.]+$", "a.b", true),
        (r"^[^\W_]+$", "a_b", false),
        (r"\bab\b", "x ab y", true),
        (r"\s", "\u{a0}", false),
        (r"a$", "a\n", true),
        (r"a$", "a\nb", false),
        (r"a\Z", "a\n", true),
        (r"a\z", "a\n", false),
        (r"^\Qa.b*\E$", "a.b*", true),
        (r"\Qa.b", "axb", false),
        (r"a{", "a{", true),
        (r"a{,2}", "a{,2}", true),
        (r"^a{2,}$", "aaa", true),
        (r"}]", "}]", true),
        (r"[]a]", "]", true),
        (r"[[]", "[", true),
        (r"[a&&b]", "&", true),
        (r"[[:alpha:]]", "1", false),
        (r"\<b", "<b", true),
        (r"a(?#comment)b", "ab", true),
        (r".*", "", true),
        (r".*a.*|.*b.*", "xbx", true),
        (r".*a.*|.*b.*", "xcx", false),
        (r"\.*$", "x", true),
        (r"a.*?", "a", true),
        (r".*?a", "xa", true),
        (r"^.*a", "xa", true),
        (r"a.*$", "ab\nc", false),
        (r".*\.*", "x", true),
        (r"(?i)AB", "ab", true),
        (r"[.*", "", false),
    ] {
        let query = serde_json::json!({"a": {"$regex": pattern}}).to_string();
        let document = serde_json::json!({"a": text}).to_string();
        let found = Query::parse(&query).is_ok() && is_match(&query, &document);
        assert_eq!(found, expected, "{pattern} in {text:?}");
    }
}

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
