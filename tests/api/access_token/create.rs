//! Creating access tokens.

use rememberd::testing::Event;
use serde_json::{Value, json};

use super::{JSON, MASTER, TOKENS, master, server, setup};
use crate::support::client::FORM;
use crate::support::concurrency::together;
use crate::support::fixture::{ADMIN, EXPIRING, EXPIRY, PROFILE};

const UUID: usize = 36;

#[test]
fn an_access_token_is_created_and_used() {
    let server = server();
    let client = master(&server);
    let document = json!({
        "id": "shop-1",
        "application": "shop",
        "tenantPermissions": [{"tenant": "default", "allowedActions": ["*"]}],
        "expiresOn": EXPIRY.as_millis(),
    });
    let created = format!(
        "{{\"application\":\"shop\",\"master\":false,\"tenantPermissions\":[{{\"allowedActions\":[\"*\"],\
         \"tenant\":\"default\"}}],\"expiresOn\":{},\"id\":\"shop-1\"}}",
        EXPIRY.as_millis()
    );
    client.create_token(&document).assert_token(&created);
    client.read_token("shop-1").assert_token(&created);
    let shop = server.client().with_token("shop-1");
    shop.create(PROFILE).login();
    assert_eq!(server.app.audit.count(Event::CreateAccessToken), 1);
    // It is durable.
    let server = setup().home(server.stop()).start();
    master(&server).read_token("shop-1").assert_token(&created);
}

#[test]
fn what_is_not_given_has_its_default() {
    let server = server();
    let client = master(&server);
    for document in [
        json!({"application": "shop"}),
        json!({"application": "shop", "id": null, "master": null, "tenantPermissions": null, "expiresOn": null}),
        json!({"application": "shop", "master": "", "tenantPermissions": [], "expiresOn": ""}),
    ] {
        let created = client.create_token(&document);
        let token: Value = serde_json::from_str(&created.body).expect("it is JSON");
        let id = token["id"].as_str().expect("it has an id");
        assert_eq!(id.len(), UUID);
        created.assert_token(&format!(
            r#"{{"application":"shop","master":false,"tenantPermissions":[],"expiresOn":null,"id":"{id}"}}"#
        ));
        client.read_token(id).assert_token(&created.body);
    }
}

#[test]
fn a_permission_may_lack_its_tenant_or_its_actions() {
    let server = server();
    let client = master(&server);
    let document = json!({
        "application": "",
        "id": 5,
        "master": 1,
        "tenantPermissions": [
            {"tenant": "acme.com", "allowedActions": null},
            {"allowedActions": ["READ_TENANT", "unknown"]},
            {"tenant": null},
            {"tenant": ""},
        ],
        "expiresOn": "2040-01-02T03:04:05.678+01:00",
    });
    client.create_token(&document).assert_token(
        "{\"application\":\"\",\"master\":true,\"tenantPermissions\":[{\"allowedActions\":[],\"tenant\":\"acme.com\"},\
         {\"allowedActions\":[\"READ_TENANT\",\"unknown\"],\"tenant\":\"*\"},{\"allowedActions\":[],\"tenant\":\"*\"},\
         {\"allowedActions\":[],\"tenant\":\"\"}],\"expiresOn\":2209082645678,\"id\":\"5\"}",
    );
    // It is a master itself.
    let other = server.client().with_token("5");
    other.read_token(MASTER);
    other.delete_token(MASTER).assert_empty();
    client.read_token("5").assert_unknown_caller(MASTER);
}

#[test]
fn an_id_is_there_once() {
    let server = server();
    let client = master(&server);
    let commits = server.app.store.commits();
    for id in [MASTER, ADMIN, EXPIRING] {
        let response = client.create_token(&json!({"application": "x", "id": id}));
        let message = format!("Access token \"{id}\" already exists");
        response.assert_error(409, "ACCESS_TOKEN_EXISTS", &message);
    }
    assert_eq!(server.app.store.commits(), commits);
    let document = json!({"application": "x", "id": "new"});
    let responses = together(&server, 4, |_| client.create_token(&document).status);
    let created = responses.iter().filter(|status| **status == 200).count();
    let refused = responses.iter().filter(|status| **status == 409).count();
    assert_eq!((created, refused), (1, 3));
}

#[test]
fn ids_are_any_text() {
    let server = server();
    let client = master(&server);
    for (id, in_path) in [
        ("a b;c", "a%20b%3Bc"),
        ("zölf", "z%C3%B6lf"),
        ("x.json", "x.json.json"),
        ("100%", "100%25"),
        ("create", "create"),
    ] {
        let document = json!({"application": "shop", "id": id});
        let created = client.create_token(&document);
        assert_eq!(created.status, 200, "{created:?}");
        client.read_token(in_path).assert_token(&created.body);
        // Only that of the last segment is a suffix.
        let in_path_before = in_path.strip_suffix(".json").unwrap_or(in_path);
        client.delete_token(in_path_before).assert_empty();
        client.read_token(in_path).assert_no_such_token(id);
    }
    let empty = client.create_token(&json!({"application": "shop", "id": ""}));
    empty.assert_bad_document("The JSON body is invalid at 'id': it is empty");
}

#[test]
fn only_a_master_creates() {
    let server = server();
    let document = json!({"application": "x", "id": MASTER});
    let commits = server.app.store.commits();
    // Before it is looked at whether the id exists.
    let refused = server.client().create_token(&document);
    refused.assert_no_master("global action \"CREATE_TOKEN\"");
    let unknown = server.client().with_token("nobody");
    unknown
        .create_token(&document)
        .assert_unknown_caller("nobody");
    assert_eq!(server.app.store.commits(), commits);
    // What the document has is looked at after the caller, and before what it may do.
    let refused = unknown.post_document("{");
    refused.assert_unknown_caller("nobody");
    server.client().post_document("{").assert_other_error(400);
}

#[test]
fn a_document_that_is_not_valid_is_refused() {
    let server = server();
    let client = master(&server);
    for (document, message) in [
        ("", "The request has no JSON body"),
        (" ", "The request has no JSON body"),
        (
            "null",
            "The JSON body is invalid: it must be an object, and is null",
        ),
        (
            "[]",
            "The JSON body is invalid: it must be an object, and is a list",
        ),
        (
            "{}",
            "The JSON body is invalid: the field `application` is missing",
        ),
        (
            r#"{"application":null}"#,
            "The JSON body is invalid at 'application': it must be text, and is null",
        ),
        (
            r#"{"application":"x","tenantPermissions":[{"tenant":"a"},{"actions":[]}]}"#,
            "The JSON body is invalid at 'tenantPermissions[1].actions': there is no field \"actions\"; the fields are \
             allowedActions, tenant",
        ),
        (
            r#"{"application":"x","accessTokenId":"y"}"#,
            "The JSON body is invalid at 'accessTokenId': there is no field \"accessTokenId\"; the fields are \
             application, master, tenantPermissions, expiresOn, id",
        ),
        (
            r#"{"application":"x","expiresOn":"2017-02-29"}"#,
            "The JSON body is invalid at 'expiresOn': it must be a date: epoch milliseconds, or ISO-8601 text",
        ),
        (
            r#"{"application":"x","master":"yes"}"#,
            "The JSON body is invalid at 'master': it must be true or false",
        ),
        (
            "{\"application\":\"x\",}",
            "The JSON body is malformed: trailing comma at line 1 column 20",
        ),
        (
            "{'application':'x'}",
            "The JSON body is malformed: key must be a string at line 1 column 2",
        ),
    ] {
        client.post_document(document).assert_bad_document(message);
    }
    for document in [
        "{\"application\":\"x\"} // x",
        "{\"application\":\"x\"}{}",
        "{\"application\":\"\u{0}\"}",
    ] {
        client.post_document(document).assert_other_error(400);
    }
    // The last of a repeated key applies.
    let repeated = r#"{"application":7,"id":"first","application":"last","id":"last"}"#;
    client.post_document(repeated).assert_token(
        r#"{"application":"last","master":false,"tenantPermissions":[],"expiresOn":null,"id":"last"}"#,
    );
}

#[test]
fn the_body_must_be_json() {
    let server = server();
    let client = master(&server);
    let target = format!("{TOKENS}/create");
    let query = format!("{target}?accessTokenId={MASTER}");
    let document = br#"{"application":"x"}"#;
    for content_type in [
        "application/json",
        "application/json;charset=ISO-8859-1",
        "Application/JSON ; charset=utf-8",
    ] {
        let headers = [("content-type", content_type)];
        let response = client.send("POST", &query, &headers, Some(document));
        assert_eq!(response.status, 200, "{response:?}");
    }
    for content_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
    ] {
        let headers = [("content-type", content_type)];
        let response = client.send("POST", &query, &headers, Some(document));
        let message = format!("Content type '{content_type}' not supported");
        response.assert_error(415, "OTHER", &message);
    }
    // A form is read for the caller.
    let form = format!("accessTokenId={MASTER}");
    let response = client.send("POST", &target, &[FORM], Some(form.as_bytes()));
    let message = "Content type 'application/x-www-form-urlencoded' not supported";
    response.assert_error(415, "OTHER", message);
    // The caller comes first.
    let response = client.send(
        "POST",
        &target,
        &[("content-type", "text/plain")],
        Some(b"x"),
    );
    let message = "Access token ID param missing from request";
    response.assert_error(403, "ACCESS_DENIED", message);
    for (headers, body) in [
        (&[][..], None),
        (&[JSON][..], None),
        (&[JSON][..], Some(&b""[..])),
    ] {
        let response = client.send("POST", &query, headers, body);
        response.assert_bad_document("The request has no JSON body");
    }
    let untyped = client.send("POST", &query, &[], Some(document));
    untyped.assert_other_error(415);
    let bearer = format!("Bearer {MASTER}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    let response = client.send("POST", &target, &headers, Some(document));
    assert_eq!(response.status, 200, "{response:?}");
}
