//! Reading a profile by its id.

use crate::profile::PROFILES;
use crate::profile::seed::{
    ADMIN, ANNA, ANNA_JSON, BEN, BEN_JSON, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT,
    READER, TENANT_ONLY, assert_json, get, server,
};
use crate::support::fixture::NO_PROFILE;

#[test]
fn a_profile_has_these_fields_in_this_order() {
    let server = server();
    assert_json(&get(&server, ADMIN, ANNA, &[]), ANNA_JSON);
    assert_json(&get(&server, ADMIN, BEN, &[]), BEN_JSON);
    let upper = ANNA.to_uppercase();
    assert_json(
        &get(&server, ADMIN, &format!("{upper}.json"), &[]),
        ANNA_JSON,
    );
}

#[test]
fn an_application_sees_the_attributes_that_it_may_read() {
    let server = server();
    let seen = |token| {
        let body = get(&server, token, ANNA, &[]).body;
        let profile: serde_json::Value = serde_json::from_str(&body).expect("a profile");
        let attributes = profile["attributes"].as_object().expect("an object");
        attributes.keys().cloned().collect::<Vec<_>>()
    };
    // The first permission that matches decides; without any, nobody may; what is not defined is left out.
    assert_eq!(seen(ADMIN), ["age", "name", "score", "tree"]);
    assert_eq!(seen(READER), ["name", "score", "secret"]);
}

#[test]
fn attribute_to_return_selects() {
    let server = server();
    let attributes = |parameters: &[&str]| {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|value| ("attributeToReturn", *value))
            .collect();
        let body = get(&server, ADMIN, ANNA, &parameters).body;
        let (_, rest) = body.split_once(r#""attributes":"#).expect("attributes");
        let (attributes, _) = rest.rsplit_once(r#","id""#).expect("an id");
        attributes.to_owned()
    };
    let tree = r#"{"tree":{"h":{"i":1,"j":2},"list":[{"k":1,"l":2},3,{"l":4}]}}"#;
    for (parameters, expected) in [
        (&["$none"][..], "{}"),
        (&["name", "$none"], "{}"),
        (&["age"], r#"{"age":44}"#),
        (&["age", "score"], r#"{"age":44,"score":1.0}"#),
        (&["age, score"], r#"{"age":44,"score":1.0}"#),
        // Several values are not split.
        (&["age,score", "name"], r#"{"name":"Anna \"A\" Zö"}"#),
        (&["unknown"], "{}"),
        (&["secret", "hidden", "undefined"], "{}"),
        (&["tree"], tree),
        (&["tree.h.i"], r#"{"tree":{"h":{"i":1}}}"#),
        (&["tree.list.l"], r#"{"tree":{"list":[{"l":2},{"l":4}]}}"#),
        (&["tree.list.k"], r#"{"tree":{"list":[{"k":1},{}]}}"#),
        (&["tree.h.missing"], r#"{"tree":{"h":{}}}"#),
        (&["tree.missing"], r#"{"tree":{}}"#),
        (&["age.x"], "{}"),
    ] {
        assert_eq!(attributes(parameters), expected, "{parameters:?}");
    }
    assert_json(
        &get(&server, ADMIN, ANNA, &[("attributeToReturn", "")]),
        ANNA_JSON,
    );
}

#[test]
fn an_unknown_profile_is_not_found() {
    let server = server();
    for token in [ADMIN, NOTHING] {
        for id in [NO_PROFILE, "x", "acme.com", "by_id"] {
            get(&server, token, id, &[]).assert_no_such_profile(id);
        }
    }
}

#[test]
fn reading_requires_manage_profiles_and_then_read_tenant() {
    let server = server();
    for path in [ANNA.to_owned(), format!("{ANNA}/attributes")] {
        let read = |token| get(&server, token, &path, &[]);
        read(NOTHING).assert_denied(MANAGE_PROFILES, "corp");
        read(TENANT_ONLY).assert_denied(MANAGE_PROFILES, "corp");
        read(PROFILES_ONLY).assert_denied(READ_TENANT, "corp");
        assert_eq!(read(READER).status, 200);
        let message = "Access token ID param missing from request";
        read("").assert_error(403, "ACCESS_DENIED", message);
    }
}

#[test]
fn a_read_writes_nothing_and_ignores_other_parameters() {
    let server = server();
    let commits = server.app.store.commits();
    let parameters = [("selector", "id"), ("Token", "x"), ("tenantName", "other")];
    assert_json(&get(&server, ADMIN, ANNA, &parameters), ANNA_JSON);
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn other_methods_are_refused() {
    let server = server();
    let client = server.client();
    let target = format!("{PROFILES}/{ANNA}?accessTokenId={ADMIN}");
    let head = client.send("HEAD", &target, &[], None);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), ANNA_JSON.len().to_string());
    let message = "Request method 'PUT' not supported";
    let refused = client.send("PUT", &target, &[], None);
    refused.assert_error(405, "OTHER", message);
}
