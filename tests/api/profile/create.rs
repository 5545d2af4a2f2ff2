//! Creating a profile.

use rememberd::testing::Event;
use serde_json::{Value, json};

use crate::profile::changes::{
    LATER, SHOP, assert_attribute_denied, assert_missing, assert_not_defined, json_of, post, read,
    server, setup,
};
use crate::profile::seed::{
    ADMIN, MANAGE_PROFILES, NOTHING, PROFILES_ONLY, READ_TENANT, READER, TENANT_ONLY, get,
};
use crate::support::client::Response;
use crate::support::concurrency::together;
use crate::support::server::Server;

const MALFORMED: &str = "Unable to correctly deserialize attributes from JSON string";

/// The parameters that are required, in `styled`.
fn required<'a>(tenant: &'a str, username: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("tenantName", tenant),
        ("username", username),
        ("email", "eve@example.com"),
        ("enabled", "true"),
    ]
}

fn create(server: &Server, tenant: &str, username: &str, more: &[(&str, &str)]) -> Response {
    let parameters = [&required(tenant, username)[..], more].concat();
    post(server, ADMIN, "create", &parameters)
}

fn id_of(profile: &Value) -> &str {
    profile["id"].as_str().expect("an id")
}

fn assert_exists(response: &Response, username: &str) {
    let message = format!("A profile with name \"{username}\" already exists");
    response.assert_error(409, "PROFILE_EXISTS", &message);
}

#[test]
fn the_response_is_the_profile_and_it_is_there_after_a_restart() {
    let server = server();
    let more = [
        ("role", "USER"),
        ("role", "CHIEF"),
        ("role", "USER"),
        ("password", "secret"),
        ("unknown", "x"),
    ];
    let created = create(&server, "styled", "eve", &more);
    let profile = json_of(&created);
    let id = id_of(&profile);
    assert!(
        id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let now = LATER.as_millis();
    let expected = format!(
        concat!(
            r#"{{"username":"eve","email":"eve@example.com","verified":false,"enabled":true,"#,
            r#""createdOn":{now},"lastModified":{now},"tenant":"styled","roles":["USER","CHIEF"],"#,
            r#""attributes":{{"other":1.0,"text":"&lt;b&gt;"}},"id":"{id}"}}"#
        ),
        now = now,
        id = id
    );
    assert_eq!(created.body, expected);
    assert_eq!(get(&server, ADMIN, id, &[]).body, expected);
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateProfile), 1);
    let server = setup().home(server.stop()).start();
    assert_eq!(get(&server, ADMIN, id, &[]).body, expected);
    server.client().create(id).login();
}

#[test]
fn parameters_are_checked_in_their_order() {
    let server = server();
    let commits = server.app.store.commits();
    let all = required("styled", "eve");
    for (missing, (name, _)) in all.iter().enumerate() {
        let mut rest = all.to_vec();
        rest.remove(missing);
        let kind = if *name == "enabled" {
            "boolean"
        } else {
            "String"
        };
        assert_missing(&post(&server, NOTHING, "create", &rest), name, kind);
    }
    let denied = post(&server, "", "create", &[]);
    denied.assert_error(
        403,
        "ACCESS_DENIED",
        "Access token ID param missing from request",
    );
    for (name, value) in [
        ("tenantName", ""),
        ("username", ""),
        ("username", " \t"),
        ("username", &"x".repeat(257)),
        ("username", "m\u{FFFD}ller"),
        ("enabled", ""),
        ("enabled", "maybe"),
        ("email", &format!("{}@b", "a".repeat(1_023))),
        ("password", &"p".repeat(1_025)),
    ] {
        let mut parameters = all.to_vec();
        parameters.retain(|(other, _)| *other != name);
        parameters.push((name, value));
        post(&server, NOTHING, "create", &parameters).assert_bad_parameter(name);
    }
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    let commits = server.app.store.commits();
    let send = |token, tenant: &str, email: &str, attributes: &str| {
        let parameters = [
            ("tenantName", tenant),
            ("username", "anna"),
            ("email", email),
            ("enabled", "true"),
            ("attributes", attributes),
        ];
        post(&server, token, "create", &parameters)
    };
    let bad_email = "The specified email address \"x\" is in an invalid";
    send(NOTHING, "corp", "x", "{").assert_error(400, "PARAM_DESERIALIZATION_ERROR", MALFORMED);
    send(NOTHING, "corp", "x", "{}").assert_denied(MANAGE_PROFILES, "corp");
    send(TENANT_ONLY, "corp", "x", "{}").assert_denied(MANAGE_PROFILES, "corp");
    send(NOTHING, "nowhere", "x", "{}").assert_denied(MANAGE_PROFILES, "nowhere");
    send(PROFILES_ONLY, "corp", "x", "{}").assert_error(400, "INVALID_EMAIL_ADDRESS", bad_email);
    send(PROFILES_ONLY, "corp", "a@b", "{}").assert_denied(READ_TENANT, "corp");
    let unknown = "No tenant with name \"nowhere\" found";
    send(ADMIN, "nowhere", "a@b", "{}").assert_error(404, "NO_SUCH_TENANT", unknown);
    assert_not_defined(
        &send(READER, "corp", "a@b", r#"{"none":1}"#),
        "none",
        "corp",
    );
    assert_not_defined(
        &send(READER, "corp", "a@b", r#"{"tree.h":1}"#),
        "tree.h",
        "corp",
    );
    assert_attribute_denied(
        &send(READER, "corp", "a@b", r#"{"age":1}"#),
        "WRITE_ATTRIBUTE",
        "age",
    );
    assert_attribute_denied(
        &send(READER, "corp", "a@b", r#"{"hidden":null}"#),
        "WRITE_ATTRIBUTE",
        "hidden",
    );
    assert_exists(&send(READER, "corp", "a@b", r#"{"secret":1}"#), "anna");
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn a_username_is_unique_in_its_tenant() {
    let server = server();
    for username in ["anna", "Anna", " anna", "anna "] {
        let created = create(&server, "corp", username, &[]);
        if username == "anna" {
            assert_exists(&created, username);
        } else {
            assert_eq!(json_of(&created)["username"], username);
        }
    }
    json_of(&create(&server, "other", "anna", &[]));
    let longest = "ü".repeat(128);
    json_of(&create(&server, "corp", &longest, &[]));
    // The mail address is not unique.
    json_of(&create(&server, "corp", "bob", &[]));
}

#[test]
fn of_concurrent_creations_of_a_username_one_succeeds() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 4;
    let server = server();
    for round in 0..ROUNDS {
        let username = format!("new-{round}");
        let created = together(&server, CLIENTS, |_| {
            create(&server, "corp", &username, &[])
        });
        let (made, refused): (Vec<_>, Vec<_>) =
            created.iter().partition(|response| response.status == 200);
        assert_eq!(made.len(), 1);
        for response in refused {
            assert_exists(response, &username);
        }
        let profile = json_of(made[0]);
        assert_eq!(read(&server, id_of(&profile)), profile);
    }
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateProfile), ROUNDS as u64);
}

#[test]
fn mail_addresses_are_checked_and_stored_as_sent() {
    let server = server();
    let accepted = [
        "a@b",
        " a@b ",
        "\"x y\"@z.w",
        "a@[1.2.3.4]",
        "zoë@exämple.com",
        "Name <a@b.c>",
        "<a@b.c>",
        "a@b_c",
        "a@-b",
    ];
    for (number, email) in accepted.iter().enumerate() {
        let username = format!("user-{number}");
        let parameters = [
            ("tenantName", "corp"),
            ("username", &username),
            ("email", email),
            ("enabled", "0"),
        ];
        let created = json_of(&post(&server, ADMIN, "create", &parameters));
        assert_eq!(created["email"], *email);
        assert_eq!(created["enabled"], false);
    }
    let refused = [
        "", "a", "a..b@c", ".a@b", "a.@b", "a@b..c", "a@.b", "a@b.", "a b@c", "a\t@b", "a@b\n",
        "a(b)@c", "a,b@c", "a;b@c", "a\\b@c", "a@b@c",
    ];
    for email in refused {
        let parameters = [
            ("tenantName", "corp"),
            ("username", "eve"),
            ("email", email),
            ("enabled", "true"),
        ];
        let quoted = email.replace(['\t', '\n'], "\u{FFFD}");
        let message = format!("The specified email address \"{quoted}\" is in an invalid");
        let refused = post(&server, ADMIN, "create", &parameters);
        refused.assert_error(400, "INVALID_EMAIL_ADDRESS", &message);
    }
}

#[test]
fn attributes_are_one_json_object_or_nothing() {
    let server = server();
    for (number, nothing) in ["", " ", "{}", "null"].iter().enumerate() {
        let username = format!("user-{number}");
        let created = json_of(&create(
            &server,
            "corp",
            &username,
            &[("attributes", nothing)],
        ));
        assert_eq!(
            (&created["attributes"], &created["roles"]),
            (&json!({}), &json!([]))
        );
    }
    for malformed in [
        "{",
        "[]",
        "1",
        "{'name':1}",
        "{\"name\":1,}",
        "{}x",
        "{/**/}",
        "\"x\"",
        "{name:1}",
    ] {
        let refused = create(&server, "corp", "eve", &[("attributes", malformed)]);
        refused.assert_error(400, "PARAM_DESERIALIZATION_ERROR", MALFORMED);
    }
}

#[test]
fn the_response_shows_all_attributes_and_what_is_stored_has_no_nulls() {
    let server = server();
    let attributes = concat!(
        r#"{"name":null,"score":{"a":null,"b":[null,{"c":null}],"n":[1.0,99999999999999999999,-5]},"#,
        r#""tree":"x","secret":9223372036854775807}"#
    );
    let parameters = [&required("corp", "eve")[..], &[("attributes", attributes)]].concat();
    // The application may not read the tree, and the other one not the secret.
    let created = json_of(&post(&server, SHOP, "create", &parameters));
    let stored = json!({
        "score": {"b": [null, {}], "n": [1.0, "99999999999999999999", -5]}, "tree": "x", "secret": i64::MAX,
    });
    let mut shown = stored.clone();
    shown["name"] = Value::Null;
    assert_eq!(created["attributes"], shown);
    let mut readable = stored;
    readable
        .as_object_mut()
        .expect("an object")
        .remove("secret");
    assert_eq!(read(&server, id_of(&created))["attributes"], readable);
}

#[test]
fn texts_are_cleansed_where_the_tenant_wants_it_and_defaults_too() {
    let server = server();
    let attributes = concat!(
        r#"{"large":"<i>\"Zoë\" & it's 漢 🙂</i> &amp;","#,
        r#""list":["<",5],"other":"<","complex":{"a":"<"},"text":true}"#
    );
    let created = json_of(&create(
        &server,
        "styled",
        "eve",
        &[("attributes", attributes)],
    ));
    let large = "&lt;i&gt;&quot;Zo&euml;&quot; &amp; it's 漢 🙂&lt;/i&gt; &amp;amp;";
    let expected = json!({
        "large": large, "list": ["&lt;", 5], "other": "<", "complex": {"a": "<"}, "text": "true",
    });
    assert_eq!(created["attributes"], expected);
    assert_eq!(read(&server, id_of(&created))["attributes"], expected);
    let raw = json_of(&create(
        &server,
        "raw",
        "eve",
        &[("attributes", r#"{"large":"<","list":5}"#)],
    ));
    let expected = json!({"large": "<", "list": 5, "text": "<b>", "other": 1.0});
    assert_eq!(raw["attributes"], expected);
    // What is given as null is not stored, and gets the default.
    let null = json_of(&create(
        &server,
        "raw",
        "joe",
        &[("attributes", r#"{"text":null}"#)],
    ));
    assert_eq!(null["attributes"], json!({"text": "<b>", "other": 1.0}));
}

#[test]
fn a_default_that_may_not_be_written_prevents_the_creation() {
    let server = server();
    let refused = create(&server, "closed", "eve", &[]);
    assert_attribute_denied(&refused, "WRITE_ATTRIBUTE", "fixed");
}

#[test]
fn a_profile_that_is_to_be_verified_is_created_disabled() {
    let server = server();
    let url = ("verificationUrl", "http://example.com/verify");
    for (number, (tenant, more, is_enabled)) in [
        ("verifying", &[url][..], false),
        ("verifying", &[], true),
        ("verifying", &[("verificationUrl", "")], true),
        ("corp", &[url], true),
    ]
    .into_iter()
    .enumerate()
    {
        let created = json_of(&create(&server, tenant, &format!("user-{number}"), more));
        assert_eq!(
            (&created["enabled"], &created["verified"]),
            (&json!(is_enabled), &json!(false))
        );
        // Who is to be verified gets a mail with a token for it, and nobody else does.
        let mail = server.take_mail();
        assert_eq!(mail.is_none(), is_enabled);
        let Some(mail) = mail else {
            continue;
        };
        assert_eq!(mail.kind, "verify account");
        assert_eq!(mail.profile_id, id_of(&created));
        let link = format!("http://example.com/verify?tokenId={}", mail.token_id);
        assert_eq!(mail.link, link);
        let verify = [("verificationTokenId", mail.token_id.as_str())];
        let verified = json_of(&post(&server, ADMIN, "verify", &verify));
        assert_eq!(
            (&verified["enabled"], &verified["verified"]),
            (&json!(true), &json!(true))
        );
    }
}

#[test]
fn a_disabled_profile_stays_so_without_verification() {
    let server = server();
    let parameters = [
        ("tenantName", "verifying"),
        ("username", "eve"),
        ("email", "eve@example.com"),
        ("enabled", "false"),
    ];
    let created = json_of(&post(&server, ADMIN, "create", &parameters));
    assert_eq!(created["enabled"], json!(false));
    assert!(server.take_mail().is_none());
}

#[test]
fn without_room_for_its_mail_a_profile_is_not_created() {
    let server = setup().flag("--mail-outbox-max=1").start();
    let url = [("verificationUrl", "http://example.com/verify")];
    json_of(&create(&server, "verifying", "first", &url));
    let commits = server.app.store.commits();
    let refused = create(&server, "verifying", "second", &url);
    refused.assert_other_error(503);
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    assert_eq!(server.app.store.commits(), commits);
    // Those that get no mail are.
    json_of(&create(&server, "corp", "second", &url));
    json_of(&create(&server, "verifying", "third", &[]));
    assert!(server.take_mail().is_some());
    json_of(&create(&server, "verifying", "second", &url));
}

#[test]
fn a_verification_url_is_checked_also_where_no_mail_is_sent() {
    let server = server();
    for url in [
        "http://a.b/\n",
        &format!("http://a.b/{}", "x".repeat(2_048)),
        "verify",
        "javascript:alert(1)",
    ] {
        let refused = create(&server, "corp", "eve", &[("verificationUrl", url)]);
        refused.assert_bad_parameter("verificationUrl");
    }
}

#[test]
fn roles_and_attributes_are_bounded() {
    let server = setup()
        .flag("--role-count-max=2")
        .flag("--attributes-size-max=64")
        .start();
    let roles = |value| create(&server, "corp", "eve", &[("role", value)]);
    roles("A,B,C").assert_error(400, "OTHER", "A profile can have 2 roles at most");
    let long = "x".repeat(257);
    roles(&long).assert_error(400, "OTHER", "A role can have 256 bytes at most");
    let attributes = |length| {
        let attributes = json!({"name": "x".repeat(length)}).to_string();
        create(
            &server,
            "corp",
            "eve",
            &[("attributes", &attributes), ("role", "A, B ,A")],
        )
    };
    let message = "The attributes of a profile can take 64 bytes at most";
    attributes(59).assert_error(400, "OTHER", message);
    assert_eq!(json_of(&attributes(58))["roles"], json!(["A", "B"]));
}

#[test]
fn create_is_an_id_with_get() {
    let server = server();
    get(&server, ADMIN, "create", &[]).assert_no_such_profile("create");
}
