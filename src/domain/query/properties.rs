//! Property tests of queries: no text does harm, relaxed JSON is JSON, and the laws of operators and ranges.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::domain::query::ranges::IdRange;
use crate::domain::query::value::{Fields, Value};
use crate::domain::query::{Query, parse_value};
use crate::property::{assert_holds, assert_linear, damaged};

/// JSON that keeps the order of fields and repeated names.
#[derive(Clone, Debug)]
enum Json {
    /// It is printed as it is.
    Scalar(String),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    fn object(name: &str, value: Self) -> Self {
        Self::Object(vec![(name.to_owned(), value)])
    }

    fn strict(&self) -> String {
        match self {
            Self::Scalar(text) => text.clone(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::strict).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(fields) => {
                let field = |(name, value): &(String, Self)| {
                    format!("{}:{}", Self::Text(name.clone()).strict(), value.strict())
                };
                let fields: Vec<_> = fields.iter().map(field).collect();
                format!("{{{}}}", fields.join(","))
            }
        }
    }

    /// The same with single quotes, names without quotes, spaces and trailing commas.
    fn relaxed(&self) -> String {
        match self {
            Self::Scalar(text) => text.clone(),
            Self::Text(text) => {
                let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
                format!("'{escaped}'")
            }
            Self::Array(items) => {
                let items = items.iter().map(|item| format!("{} , ", item.relaxed()));
                format!("[ {}]", items.collect::<String>())
            }
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| format!("\n{name} : {},", value.relaxed()));
                format!("{{{}\t}}", fields.collect::<String>())
            }
        }
    }
}

const SCALARS: [&str; 14] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "1.0",
    "1.5",
    "-1",
    "-0.0",
    "9007199254740993",
    "1e300",
    "NaN",
    "ObjectId('5925a68def86951f895cf497')",
];

fn value() -> impl Strategy<Value = Json> + Clone {
    let leaf = prop_oneof![
        3 => select(&SCALARS[..]).prop_map(|text| Json::Scalar(text.to_owned())),
        2 => "[abA'é\\\\]{0,3}".prop_map(Json::Text),
        1 => Just(Json::object("$date", Json::Scalar("1".to_owned()))),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let field = (select(&["a", "b", "0", "1"][..]), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(Json::Array),
            vec(field, 0..3).prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Json::Object(fields.collect())
            }),
        ]
    })
}

fn document() -> impl Strategy<Value = Json> {
    (value(), value(), "[abA.]{1,4}", any::<bool>()).prop_map(|(a, attribute, username, has_id)| {
        let id = Json::Scalar("ObjectId('5925a68def86951f895cf497')".to_owned());
        let mut fields = vec![
            ("a".to_owned(), a),
            ("attributes".to_owned(), Json::object("b", attribute)),
            ("username".to_owned(), Json::Text(username)),
        ];
        if has_id {
            fields.push(("_id".to_owned(), id));
        }
        Json::Object(fields)
    })
}

const PATHS: [&str; 9] = [
    "a",
    "a.b",
    "a.0",
    "a.1.b",
    "a.a.0",
    "attributes.b",
    "attributes.b.a",
    "username",
    "_id",
];

fn path() -> impl Strategy<Value = String> + Clone {
    select(&PATHS[..]).prop_map(str::to_owned)
}

/// An operator document that a field may have.
fn operators() -> impl Strategy<Value = Json> + Clone {
    let number = |text: &str| Json::Scalar(text.to_owned());
    let compared = select(&["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"][..]);
    let leaf = prop_oneof![
        4 => (compared, value()).prop_map(|(name, value)| Json::object(name, value)),
        2 => (select(&["$in", "$nin"][..]), vec(value(), 0..4))
            .prop_map(|(name, values)| Json::object(name, Json::Array(values))),
        1 => vec(value(), 0..3).prop_map(|values| Json::object("$all", Json::Array(values))),
        1 => any::<bool>().prop_map(|truth| Json::object("$exists", Json::Scalar(truth.to_string()))),
        2 => select(&["^a", "^aA?", "b$", ".*a.*", "[ab]+", "^a\\.", "(a|b)"][..])
            .prop_map(|pattern| Json::object("$regex", Json::Text(pattern.to_owned()))),
        1 => (0..3_u8).prop_map(move |size| Json::object("$size", number(&size.to_string()))),
        1 => select(&["string", "number", "array", "null", "object", "int"][..])
            .prop_map(|name| Json::object("$type", Json::Text(name.to_owned()))),
        1 => Just(Json::object("$mod", Json::Array(vec![number("2"), number("1")]))),
    ];
    leaf.prop_recursive(2, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Json::object("$not", inner)),
            inner
                .clone()
                .prop_map(|inner| Json::object("$elemMatch", inner)),
            (path(), inner.clone())
                .prop_map(|(path, inner)| Json::object("$elemMatch", Json::object(&path, inner))),
            (inner.clone(), inner).prop_map(|(one, other)| match (one, other) {
                (Json::Object(one), Json::Object(other)) => Json::Object([one, other].concat()),
                (one, _) => one,
            }),
        ]
    })
}

fn query() -> impl Strategy<Value = Json> + Clone {
    let field = prop_oneof![
        (path(), operators()).prop_map(|(path, operators)| Json::object(&path, operators)),
        (path(), value()).prop_map(|(path, value)| Json::object(&path, value)),
    ];
    field.prop_recursive(3, 12, 3, |inner| {
        let logical = select(&["$and", "$or", "$nor"][..]);
        prop_oneof![
            (logical, vec(inner.clone(), 1..4))
                .prop_map(|(name, queries)| Json::object(name, Json::Array(queries))),
            (inner.clone(), inner).prop_map(|(one, other)| match (one, other) {
                (Json::Object(one), Json::Object(other)) => Json::Object([one, other].concat()),
                (one, _) => one,
            }),
        ]
    })
}

/// A document as the storage has one: each field is looked up.
struct Stored<'v>(&'v Value<'v>);

impl Fields for Stored<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        self.0.get(name).cloned()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.0.get("attributes")?.get(name).cloned()
    }
}

fn is_match(query: &Json, document: &Json) -> bool {
    let (query, document) = (query.strict(), document.strict());
    let parsed = Query::parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let document = parse_value(&document).expect("a document is generated");
    let is_match = parsed.matches_document(&document);
    assert_eq!(parsed.matches(&Stored(&document)), is_match, "{query}");
    is_match
}

#[test]
fn no_text_does_harm() {
    assert_holds("\\PC{0,64}", |text| drop(Query::parse(&text)));
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "'",
        "\"",
        "\\",
        "/",
        "a",
        "$in",
        "$regex",
        "$options",
        "$not",
        "$and",
        "1",
        "-",
        ".",
        "e5",
        "ObjectId(",
        "new Date(",
        ")",
        "null",
        "\\u12",
        "ü",
        " ",
        "{$oid:",
        "(?",
        "*",
        "{9",
    ];
    let soup = vec(select(pieces.to_vec()), 0..40);
    assert_holds(soup, |pieces| drop(Query::parse(&pieces.concat())));
    let soup = vec(select(pieces.to_vec()), 0..20);
    assert_holds(soup, |pieces| {
        drop(Query::parse(&format!("{{a:/{}/i}}", pieces.concat())))
    });
    let almost = damaged(query().prop_map(|query| query.relaxed().into_bytes()));
    assert_holds(almost, |bytes| {
        drop(Query::parse(&String::from_utf8_lossy(&bytes)))
    });
}

#[test]
fn parsing_takes_linear_time() {
    for piece in [
        "[",
        "{a:",
        "1,",
        "'a',",
        "'\\n",
        "a.",
        "\\",
        "//",
        "{$not:",
        "{$in:[",
        "a:1,",
        "\"\\u0061",
        "{$oid:'",
        "$",
        "ü",
        "[a&&[:",
        "a{1",
    ] {
        for (before, after) in [
            ("{a:[", "]}"),
            ("{a:'", "'}"),
            ("{'", "':1}"),
            ("{", "}"),
            ("{a:{$type:'", "'}}"),
        ] {
            let text = |count: usize| format!("{before}{}{after}", piece.repeat(count));
            assert_linear(piece, 500, text, |text| drop(Query::parse(text)));
        }
    }
}

#[test]
fn relaxed_json_is_json() {
    assert_holds(query(), |query| {
        let parse =
            |text: &str| Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let (strict, relaxed) = (parse(&query.strict()), parse(&query.relaxed()));
        assert_eq!(format!("{strict:?}"), format!("{relaxed:?}"));
    });
}

#[test]
fn operators_that_negate_do() {
    assert_holds(
        (path(), operators(), value(), document()),
        |(path, operators, value, document)| {
            let on_path = |operator: &str, operand: &Json| {
                let operators = Json::object(operator, operand.clone());
                is_match(&Json::object(&path, operators), &document)
            };
            let plain = is_match(&Json::object(&path, operators.clone()), &document);
            assert_eq!(on_path("$not", &operators), !plain);
            let equal = is_match(&Json::object(&path, value.clone()), &document);
            assert_eq!(on_path("$eq", &value), equal);
            assert_eq!(on_path("$ne", &value), !equal);
        },
    );
    assert_holds((vec(query(), 1..4), document()), |(queries, document)| {
        let list = |name| is_match(&Json::object(name, Json::Array(queries.clone())), &document);
        let each: Vec<_> = queries
            .iter()
            .map(|query| is_match(query, &document))
            .collect();
        assert_eq!(list("$or"), each.contains(&true));
        assert_eq!(list("$nor"), !each.contains(&true));
        assert_eq!(list("$and"), !each.contains(&false));
        let fields = queries.iter().flat_map(|query| match query {
            Json::Object(fields) => fields.clone(),
            _ => Vec::new(),
        });
        assert_eq!(
            is_match(&Json::Object(fields.collect()), &document),
            list("$and")
        );
    });
}

#[test]
fn a_set_is_each_of_its_values() {
    assert_holds(
        (path(), vec(value(), 0..5), document()),
        |(path, values, document)| {
            let on_path = |operand: Json| is_match(&Json::object(&path, operand), &document);
            let each: Vec<_> = values.iter().map(|value| on_path(value.clone())).collect();
            let list = Json::Array(values.clone());
            assert_eq!(
                on_path(Json::object("$in", list.clone())),
                each.contains(&true)
            );
            assert_eq!(
                on_path(Json::object("$nin", list.clone())),
                !each.contains(&true)
            );
            let all = !each.is_empty() && !each.contains(&false);
            assert_eq!(on_path(Json::object("$all", list)), all);
        },
    );
}

#[test]
fn what_matches_is_in_its_ranges() {
    assert_holds((query(), document()), |(query, document)| {
        if !is_match(&query, &document) {
            return;
        }
        let text = document.strict();
        let document = parse_value(&text).expect("a document is generated");
        let query = Query::parse(&query.strict()).expect("a query is generated");
        let Some(Value::Text(username)) = document.get("username") else {
            panic!("every document has a username");
        };
        assert!(query.usernames().contains(username));
        if let (IdRange::In(ids), Some(Value::ObjectId(id))) = (query.ids(), document.get("_id")) {
            assert!(ids.contains(id));
        }
    });
}

#[test]
fn texts_are_found_in_any_case() {
    let case = ("[aKſs.é]{1,3}", "[aAkKſsS.éÉ\u{212a}]{0,8}");
    assert_holds(case, |(wanted, text)| {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let pattern = format!("\\Q{wanted}\\E");
        let query = |pattern: &str| {
            let query = format!("{{a:{{$regex:{},$options:'i'}}}}", quoted(pattern));
            let document = format!("{{a:{}}}", quoted(&text));
            let document = parse_value(&document).expect("a document is generated");
            let query = Query::parse(&query).expect("a query is generated");
            query.matches_document(&document)
        };
        // In a group it is left to the library.
        assert_eq!(query(&pattern), query(&format!("({pattern})")));
        assert_eq!(query(&pattern), query(&format!(".*{pattern}.*?")));
    });
}
