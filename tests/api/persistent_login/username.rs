//! Profiles that are named by tenant and username, as an application does that has ids of its own.

use std::collections::HashSet;

use rememberd::testing::{Event, ObjectId, tables::profile};
use serde_json::json;

use crate::support::client::{Client, Response};
use crate::support::concurrency::{distinct, together};
use crate::support::fixture::{
    self, ACME, ACME_PROFILE, BOTH, DISABLED_PROFILE, LOGIN, NARROW_FIRST, NOW, POWERLESS, PROFILE,
    PROFILES, READERS, SIGN_IN, TICKETS,
};
use crate::support::server::{Server, Setup};

const JDOE: [(&str, &str); 2] = [("tenantName", "default"), ("username", "jdoe")];

/// The calls that name a profile.
type Call = fn(&Client, &[(&str, &str)]) -> Response;

const CREATE: Call = |client, parameters| client.post_with("create", parameters);
const LIST: Call = |client, parameters| client.get_with("by_profile", parameters);
const DELETE: Call = |client, parameters| client.post_with("delete_by_profile", parameters);

fn user<'a>(tenant: &'a str, username: &'a str) -> [(&'a str, &'a str); 2] {
    [("tenantName", tenant), ("username", username)]
}

/// Creates a login for a username, and the profile if there is none.
fn create_both(client: &Client, tenant: &str, username: &str) -> Response {
    let user = user(tenant, username);
    CREATE(client, &[&user[..], &[("createProfile", "true")]].concat())
}

#[track_caller]
fn assert_no_such_username(response: &Response, tenant: &str, username: &str) {
    let message = format!("No profile found for tenant \"{tenant}\" and username \"{username}\"");
    response.assert_error(404, "NO_SUCH_PROFILE", &message);
}

#[test]
fn a_profile_is_named_by_tenant_and_username() {
    let server = Server::start();
    let client = server.client();
    let created = CREATE(&client, &JDOE).login();
    assert_eq!(created.profile_id, PROFILE);
    let listed: HashSet<_> = LIST(&client, &JDOE).listed_ids().into_iter().collect();
    assert_eq!(listed, HashSet::from([created.id, LOGIN.to_owned()]));
    let of_acme = CREATE(&client, &user("acme.com", "jdoe")).login();
    assert_eq!(of_acme.profile_id, ACME_PROFILE);
    let except = [&JDOE[..], &[("except", LOGIN)]].concat();
    DELETE(&client, &except).assert_deleted(1);
    assert_eq!(LIST(&client, &JDOE).listed_ids(), [LOGIN]);
    DELETE(&client, &JDOE).assert_deleted(1);
    assert_eq!(client.read(&of_acme.id).login(), of_acme);
}

#[test]
fn a_username_without_a_profile_is_not_found() {
    let server = Server::start();
    let client = server.client();
    // Nothing is trimmed, and the case counts.
    for (tenant, username) in [
        ("default", "nobody"),
        ("default", "JDOE"),
        ("default", "jdoe "),
        ("acme.com", "old"),
        ("nowhere", "jdoe"),
    ] {
        for call in [CREATE, LIST, DELETE] {
            let response = call(&client, &user(tenant, username));
            assert_no_such_username(&response, tenant, username);
        }
    }
    let response = CREATE(&client, &user("default", "old"));
    response.assert_disabled_profile(DISABLED_PROFILE, "default");
}

#[test]
fn a_profile_is_named_in_one_way() {
    let server = Server::start();
    let client = server.client();
    let commits = server.app.store.commits();
    let id = ("profileId", PROFILE);
    for call in [CREATE, LIST, DELETE] {
        for both in [&[id, JDOE[0], JDOE[1]][..], &[id, JDOE[0]], &[id, JDOE[1]]] {
            let message = "Parameter 'profileId' excludes 'tenantName' and 'username'";
            call(&client, both).assert_error(400, "OTHER", message);
        }
        for (given, missing) in [
            (&[][..], "profileId"),
            (&[JDOE[0]], "username"),
            (&[JDOE[1]], "tenantName"),
        ] {
            let message = format!(
                "Required request parameter '{missing}' for method parameter type String is not present"
            );
            call(&client, given).assert_error(400, "OTHER", &message);
        }
        let long = "x".repeat(257);
        for username in ["", " ", long.as_str(), "m\u{FFFD}ller"] {
            let response = call(&client, &user("default", username));
            response.assert_bad_parameter("username");
        }
        call(&client, &user("", "jdoe")).assert_bad_parameter("tenantName");
    }
    // Bytes of Latin-1 would make one user of two.
    let latin = format!(
        "accessTokenId={}&tenantName=default&username=m%FCller",
        fixture::ADMIN
    );
    let target = format!("{}/create", crate::support::client::LOGINS);
    client
        .post(&target, &latin)
        .assert_bad_parameter("username");
    let creates = CREATE(&client, &[id, ("createProfile", "true")]);
    creates.assert_bad_parameter("createProfile");
    let unclear = CREATE(&client, &[JDOE[0], JDOE[1], ("createProfile", "maybe")]);
    unclear.assert_bad_parameter("createProfile");
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn a_profile_is_created_with_its_first_login() {
    let mut seed = fixture::seed();
    seed["tenant"][0] = json!({
        "name": "default",
        "verifyNewProfiles": true,
        "attributeDefinitions": [
            {"name": "color", "defaultValue": "blue & red", "metadata": {"type": "TEXT"}},
            {"name": "none", "defaultValue": null},
        ],
    });
    let server = Setup::new().seed(seed).start();
    let client = server.client();
    let longest = "ü".repeat(128);
    for username in ["42", "a/b?c&d=e", &longest] {
        let commits = server.app.store.commits();
        let first = create_both(&client, "default", username).login();
        assert_eq!(server.app.store.commits(), commits + 1);
        let second = create_both(&client, "default", username).login();
        assert_eq!(first.profile_id, second.profile_id);
        assert_eq!(first.tenant, "default");
        let id = ObjectId::parse(&first.profile_id).expect("an id");
        let found = server.app.store.read(|txn| profile::get(txn, id));
        let found = found.expect("the storage works").expect("it was created");
        assert_eq!(found.username, username);
        assert_eq!((found.created_on, found.last_modified), (NOW, NOW));
        assert!(found.enabled && !found.verified && found.email.is_empty());
        assert!(found.password.is_none() && found.roles.is_none());
        let attributes = found.attributes.expect("it has the default");
        assert_eq!(
            Vec::from_iter(attributes.iter()),
            [("color", r#""blue &amp; red""#)]
        );
        let user = user("default", username);
        assert_eq!(LIST(&client, &user).listed_ids().len(), 2);
        let refreshed = client.refresh_with(&first.id, &first.token).login();
        assert_eq!(refreshed.profile_id, first.profile_id);
        // It is as good as any other profile.
        client.create(&first.profile_id).login();
    }
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateProfile), 3);
    assert_eq!(server.app.audit.count(Event::Create), 9);
    let server = Setup::new().home(server.stop()).start();
    DELETE(&server.client(), &user("default", "42")).assert_deleted(3);
}

#[test]
fn an_existing_profile_is_not_created_again() {
    let server = Server::start();
    let client = server.client();
    let created = create_both(&client, "default", "jdoe").login();
    assert_eq!(created.profile_id, PROFILE);
    let disabled = create_both(&client, "default", "old");
    disabled.assert_disabled_profile(DISABLED_PROFILE, "default");
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateProfile), 0);
}

#[test]
fn concurrent_creations_make_one_profile() {
    const CLIENTS: usize = 8;
    let server = Server::start();
    let profiles = together(&server, CLIENTS, |client| {
        create_both(&client, "default", "new").login().profile_id
    });
    assert_eq!(distinct(&profiles), 1);
    let listed = LIST(&server.client(), &user("default", "new")).listed_ids();
    assert_eq!(listed.len(), CLIENTS);
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::CreateProfile), 1);
}

#[test]
fn a_tenant_must_exist_for_a_profile_to_be_created() {
    let server = Server::start();
    let response = create_both(&server.client(), "nowhere", "jdoe");
    let message = "No tenant with name \"nowhere\" found";
    response.assert_error(404, "NO_SUCH_TENANT", message);
}

#[test]
fn what_the_caller_may_do_is_checked_before_the_username() {
    let server = Server::start();
    let client = server.client();
    for username in ["jdoe", "nobody"] {
        let user = user("default", username);
        for (caller, action) in [
            (POWERLESS, "MANAGE_PROFILES"),
            (TICKETS, "MANAGE_PROFILES"),
            (ACME, "MANAGE_PROFILES"),
            (PROFILES, "READ_TENANT"),
            (NARROW_FIRST, "READ_TENANT"),
            (BOTH, "READ_TENANT"),
            (READERS, "MANAGE_TICKETS"),
        ] {
            let client = client.with_token(caller);
            CREATE(&client, &user).assert_denied(action, "default");
            create_both(&client, "default", username).assert_denied(action, "default");
        }
        for caller in [POWERLESS, PROFILES, ACME] {
            let client = client.with_token(caller);
            LIST(&client, &user).assert_denied("MANAGE_TICKETS", "default");
            DELETE(&client, &user).assert_denied("MANAGE_TICKETS", "default");
        }
    }
    CREATE(&client.with_token(SIGN_IN), &JDOE).login();
    let response = create_both(&client.with_token(POWERLESS), "nowhere", "jdoe");
    response.assert_denied("MANAGE_PROFILES", "nowhere");
    create_both(&client.with_token(ACME), "acme.com", "new").login();
    let unknown = client.with_token("nobody");
    for call in [CREATE, LIST, DELETE] {
        let response = call(&unknown, &user("default", ""));
        let message = "No access token found for ID \"nobody\"";
        response.assert_error(403, "ACCESS_DENIED", message);
    }
}
