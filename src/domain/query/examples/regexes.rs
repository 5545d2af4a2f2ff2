//! What regular expressions match, and which there are.

use super::{assert_malformed, assert_matches, is_match, parse};
use crate::domain::query::Query;

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
    assert_matches("{a:/a\\/b[/]/}", &["+{a:'a/b/'}", "-{a:'a/b'}"]);
    assert_matches("{a:/^[^[/\\]]+$/i}", &["+{a:'b'}", "-{a:'/'}", "-{a:']'}"]);
    assert_matches("{a:/\\[/,b:/]/}", &["+{a:'[',b:']'}", "-{a:'[/,b:/]'}"]);
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
    assert_malformed("{a:/[/}", "does not end");
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
fn regular_expressions_have_a_limit_together() {
    let large: Vec<_> = (1_000..1_010)
        .map(|count| format!("{{a:/[ab]{{{count}}}c/}}"))
        .collect();
    assert_malformed(
        &format!("{{$or:[{}]}}", large.join(",")),
        "take too much memory together",
    );
    let small: Vec<_> = (0..50).map(|at| format!("/name {at}/i")).collect();
    parse(&format!("{{a:{{$in:[{}]}}}}", small.join(",")));
}
