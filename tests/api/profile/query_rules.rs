//! What all endpoints have in common that take a query: what they require of the caller and of the query.

use crate::profile::PROFILES;
use crate::profile::seed::{
    ADMIN, ANNA, CARL, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER, TENANT_ONLY,
    ask, assert_ids, get, seed, server,
};
use crate::support::client::Response;
use crate::support::server::Setup;

const ENDPOINTS: [&str; 3] = ["by_query", "one_by_query", "count_by_query"];

#[track_caller]
fn assert_invalid(response: &Response, message: &str) {
    response.assert_error(400, "INVALID_QUERY", message);
}

#[test]
fn the_caller_is_checked_and_the_tenant_before_the_query() {
    let server = server();
    for path in ENDPOINTS {
        // Whether anything is found or not, and whatever the query is.
        for query in [
            "{}",
            "{username:'nobody'}",
            "{",
            "{tenant:'corp'}",
            "{'attributes.secret':1}",
        ] {
            ask(&server, NOTHING, path, query).assert_denied(MANAGE_PROFILES, "corp");
            ask(&server, TENANT_ONLY, path, query).assert_denied(MANAGE_PROFILES, "corp");
            ask(&server, PROFILES_ONLY, path, query).assert_denied(READ_TENANT, "corp");
            for tenant in ["unknown", ""] {
                let parameters = [("tenantName", tenant), ("query", query)];
                get(&server, READER, path, &parameters).assert_denied(MANAGE_PROFILES, tenant);
                let message = format!("No tenant with name \"{tenant}\" found");
                get(&server, ADMIN, path, &parameters).assert_error(
                    404,
                    "NO_SUCH_TENANT",
                    &message,
                );
            }
        }
        assert_eq!(ask(&server, READER, path, "{}").status, 200);
    }
}

#[test]
fn tenant_and_query_are_required() {
    let server = server();
    for path in ENDPOINTS {
        for (missing, left) in [
            ("tenantName", ("query", "{}")),
            ("query", ("tenantName", "corp")),
        ] {
            let message = format!(
                "Required request parameter '{missing}' for method parameter type String is not present"
            );
            get(&server, ADMIN, path, &[left]).assert_error(400, "OTHER", &message);
        }
        let missing = "Access token ID param missing from request";
        get(&server, "", path, &[]).assert_error(403, "ACCESS_DENIED", missing);
        let target = format!("{PROFILES}/{path}?accessTokenId={ADMIN}");
        let response = server.client().post(&target, "");
        let message = "Request method 'POST' not supported";
        response.assert_error(405, "OTHER", message);
        assert_eq!(response.header("allow"), "GET,HEAD,OPTIONS");
    }
}

#[test]
fn what_no_query_may_name_is_refused() {
    let server = server();
    for path in ENDPOINTS {
        let refused = |query: &str, message: &str| {
            assert_invalid(&ask(&server, ADMIN, path, query), message);
        };
        let tenant = "Field \"tenant\" is not allowed in query";
        refused("{tenant:'corp'}", tenant);
        refused("{$or:[{username:'anna'},{'tenant':{$ne:'other'}}]}", tenant);
        refused(
            "{password:{$exists:true}}",
            "Field \"password\" is not allowed in query",
        );
        refused(
            "{failedLoginAttempts:{$gt:1}}",
            "Field \"failedLoginAttempts\" is not allowed in query",
        );
        refused(
            "{lastFailedLogin:null}",
            "Field \"lastFailedLogin\" is not allowed in query",
        );
        let script = "$where operator is not allowed in query";
        refused("{$where:'true'}", script);
        refused("{$and:[{$where:'this.username'}]}", script);
        // They are looked for among names, not in the text.
        for allowed in ["{username:'tenant'}", "{email:{$ne:'$where password'}}"] {
            assert_ne!(ask(&server, ADMIN, path, allowed).status, 400, "{allowed}");
        }
    }
}

#[test]
fn attributes_that_the_caller_may_not_read_are_not_asked_for() {
    let server = server();
    for path in ENDPOINTS {
        for name in ["secret", "hidden", "undefined", "missing"] {
            let message = format!("Attribute \"{name}\" is not allowed in query");
            for query in [
                format!("{{'attributes.{name}':'s'}}"),
                format!("{{'attributes.{name}.x.y':{{$exists:true}}}}"),
                format!("{{username:'anna',$or:[{{email:''}},{{'attributes.{name}':/^s/}}]}}"),
                format!("{{$nor:[{{'attributes.{name}':{{$not:{{$gt:'a'}}}}}}]}}"),
                format!("{{'attributes.{name}':{{$elemMatch:{{x:1}}}}}}"),
            ] {
                assert_invalid(&ask(&server, ADMIN, path, &query), &message);
            }
        }
        // Another application may read another one.
        assert_ne!(
            ask(&server, READER, path, "{'attributes.secret':'s'}").status,
            400
        );
        let message = "Attribute \"age\" is not allowed in query";
        assert_invalid(
            &ask(&server, READER, path, "{'attributes.age':44}"),
            message,
        );
    }
    let secret = ask(&server, READER, "by_query", "{'attributes.secret':'s'}");
    assert_ids(&secret, &[ANNA]);
    // All attributes as a whole are those that the caller sees.
    for (query, expected) in [
        ("{attributes:{age:7,name:'Carl'}}", &[CARL][..]),
        ("{attributes:{name:'Carl'}}", &[]),
    ] {
        assert_ids(&ask(&server, ADMIN, "by_query", query), expected);
    }
    assert_ids(
        &ask(&server, READER, "by_query", "{attributes:{name:'Carl'}}"),
        &[CARL],
    );
    let hidden = |tail: &str| format!("{{attributes:{{$gt:{{age:44,hidden:'{tail}'}}}}}}");
    let one = ask(&server, ADMIN, "by_query", &hidden("a"));
    let other = ask(&server, ADMIN, "by_query", &hidden("z"));
    assert_eq!((one.status, one.body), (200, other.body));
}

#[test]
fn malformed_queries_are_refused() {
    let server = server();
    for path in ENDPOINTS {
        for query in [
            "{",
            "}",
            "[]",
            "1",
            "null",
            "{username}",
            "{username:}",
            "{username:'anna'",
            "{username:'anna'}}",
            "{username:'anna}",
            "{username:/(/}",
            "{username:{$regex:'a',$options:'q'}}",
            "{username:{$in:'anna'}}",
            "{username:{$unknown:1}}",
            "{$unknown:[]}",
            "{$or:[]}",
            "{$or:{}}",
            "{_id:ObjectId('x')}",
            "{roles:{$size:'x'}}",
            "/* all */ {}",
        ] {
            let response = ask(&server, ADMIN, path, query);
            let error: serde_json::Value = serde_json::from_str(&response.body).expect("JSON");
            let code = error["errorCode"].as_str();
            assert_eq!(
                (response.status, code),
                (400, Some("INVALID_QUERY")),
                "{query}"
            );
            let message = error["message"].as_str().expect("a message");
            assert!(
                !message.is_empty() && message.len() < 400,
                "{query}: {message}"
            );
        }
        // So that it is found in a long query.
        let response = ask(&server, ADMIN, path, "{username:'anna',email:?}");
        assert!(response.body.contains(" 24:"), "{response:?}");
    }
}

#[test]
fn a_deep_query_is_refused() {
    // As much as a URL can hold, where each of these characters takes three.
    let size = 19_000;
    let server = Setup::new()
        .seed(seed())
        .flag("--header-size-max=128KiB")
        .start();
    let deep = |open: &str, inner: &str, close: &str| {
        let count = (size - inner.len()) / (open.len() + close.len());
        open.repeat(count) + inner + &close.repeat(count)
    };
    let queries = [
        "[".repeat(size),
        "{".repeat(size),
        deep("[", "", "]"),
        format!("{{a:{}}}", deep("[", "1", "]")),
        deep("{a:", "1", "}"),
        deep("{$and:[", "{a:1}", "]}"),
        format!("{{username:{}}}", deep("{$not:", "{$eq:1}", "}")),
        format!("{{username:/{}/}}", deep("(", "a", ")")),
        format!("{{username:{}}}", deep("{$elemMatch:", "{a:1}", "}")),
        "'".repeat(size),
        "\\".repeat(size),
    ];
    for path in ENDPOINTS {
        for query in &queries {
            let response = ask(&server, ADMIN, path, query);
            assert_eq!(response.status, 400, "{response:?}");
            assert!(response.body.contains("INVALID_QUERY"), "{response:?}");
        }
        // One that is as long and not deep is answered.
        let long = format!("{{username:{{$in:[{}'anna']}}}}", "'x',".repeat(size / 12));
        assert_eq!(ask(&server, ADMIN, path, &long).status, 200);
    }
}

const TOO_MUCH_WORK: &str = "The query is too much work for one profile: it has too many conditions for as many \
    values, or too large regular expressions for as long texts";

#[test]
fn many_conditions_are_refused_on_many_values() {
    let mut seed = seed();
    let profiles = seed["profile"].as_array_mut().expect("a list");
    let documents: Vec<_> = (0..1_500).map(|at| serde_json::json!({"a": at})).collect();
    profiles.push(serde_json::json!({
        "_id": "5925a68def86951f895cf4ff", "username": "many", "email": "many@example.com", "verified": true,
        "enabled": true, "tenant": "corp", "roles": [],
        "attributes": {"name": documents},
    }));
    let server = Setup::new().seed(seed).start();
    let conditions = |count| vec!["{'attributes.name.a':-1}"; count].join(",");
    let many = format!("{{$or:[{}]}}", conditions(100));
    for path in ENDPOINTS {
        assert_invalid(&ask(&server, ADMIN, path, &many), TOO_MUCH_WORK);
    }
    let some = format!("{{$nor:[{}],username:'many'}}", conditions(20));
    let count = ask(&server, ADMIN, "count_by_query", &some);
    assert_eq!((count.status, count.body.as_str()), (200, "1"));
}

#[test]
fn large_regular_expressions_are_refused_on_long_texts() {
    let mut seed = seed();
    let profiles = seed["profile"].as_array_mut().expect("a list");
    let text: String = (0..30_000_usize)
        .map(|at| if at * at % 7 < 3 { 'a' } else { 'b' })
        .collect();
    profiles.push(serde_json::json!({
        "_id": "5925a68def86951f895cf4ff", "username": "long", "email": "long@example.com", "verified": true,
        "enabled": true, "tenant": "corp", "roles": [],
        "attributes": {"name": text},
    }));
    let server = Setup::new().seed(seed).start();
    let large = "{'attributes.name':/[ab]*a[ab]{1000}c/}";
    for path in ENDPOINTS {
        assert_invalid(&ask(&server, ADMIN, path, large), TOO_MUCH_WORK);
    }
    // Of the others, it looks at short texts.
    let others = "{username:{$in:['anna','carl']},'attributes.name':/[ab]*a[ab]{1000}c/}";
    let none = ask(&server, ADMIN, "count_by_query", others);
    assert_eq!((none.status, none.body.as_str()), (200, "0"));
    let small = "{'attributes.name':{$regex:'AB.*',$options:'i'}}";
    assert_ids(
        &ask(&server, ADMIN, "by_query", small),
        &["5925a68def86951f895cf4ff"],
    );
}
