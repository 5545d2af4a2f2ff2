//! The real server, killed while the profiles of a tenant follow a change or the tenant's end.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::profile::PROFILES;
use crate::support::client::{Client, encode};
use crate::support::process::{Launch, Serving};
use crate::tenant::support::TENANTS;

const TOKEN: &str = "all";

/// How many profiles the tenant has. Background work on them takes seconds, since it pauses most of the time.
const COUNT: u32 = 10_000;

/// How many of them are looked at each time.
const LOOKS: u32 = 100;

fn id(number: u32) -> String {
    format!("60a0000000000000{number:08x}")
}

fn login(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn seed(home: &Path) {
    let profile = |number| {
        json!({"_id": id(number), "username": format!("user-{number}"), "enabled": true, "tenant": "big",
               "roles": ["USER", "ADMIN"], "attributes": {"city": "Bern", "age": number}})
    };
    let login = |number| {
        let token = login(number);
        json!({"_id": token, "tenant": "big", "profileId": id(number), "token": token})
    };
    let permissions = json!([{"application": "*", "allowedActions": ["*"]}]);
    let all = json!([{"tenant": "*", "allowedActions": ["*"]}]);
    let seed = json!({
        "accesstoken": [{"_id": TOKEN, "application": "tests", "tenantPermissions": all}],
        "tenant": [{"name": "big", "availableRoles": ["USER", "ADMIN"], "attributeDefinitions": [
            {"name": "city", "permissions": permissions}, {"name": "age", "permissions": permissions},
        ]}],
        "profile": (0..COUNT).map(profile).collect::<Vec<_>>(),
        "persistentlogin": (0..COUNT).step_by(7).map(login).collect::<Vec<_>>(),
    });
    fs::write(home.join("seed.json"), seed.to_string()).expect("it is written");
}

fn start(home: &Path) -> Serving {
    // Batches so small that a kill is in the midst of them, and so large that the work ends within the test.
    Launch::serve(&home.join("data"))
        .seed(home.join("seed.json"))
        .argument("--cleaner-batch-max=256")
        .start()
}

fn post(client: &Client, path: &str, form: &[(&str, &str)]) {
    let form = encode(&[&[("accessTokenId", TOKEN)], form].concat());
    let response = client.post(&format!("{TENANTS}/{path}"), &form);
    assert_eq!(response.status, 200, "{response:?}");
}

fn kill(serving: Serving) {
    serving.signal(Signal::KILL);
    serving.wait();
}

#[test]
fn no_profile_shows_what_was_removed_after_a_kill() {
    let home = TempDir::new().expect("a temporary directory");
    seed(home.path());
    let serving = start(home.path());
    let client = serving.client(TOKEN);
    post(&client, "big/roles/remove", &[("role", "USER")]);
    post(
        &client,
        "big/attribute_definitions/remove",
        &[("attributeName", "city")],
    );
    kill(serving);
    let assert_removed = |client: &Client| {
        for number in (0..COUNT).step_by((COUNT / LOOKS) as usize) {
            let target = format!("{PROFILES}/{}?accessTokenId={TOKEN}", id(number));
            let profile: Value =
                serde_json::from_str(&client.get(&target).body).expect("a profile");
            assert_eq!(profile["roles"], json!(["ADMIN"]));
            assert_eq!(profile["attributes"], json!({"age": number}));
        }
    };
    for is_last in [false, true] {
        let mut serving = start(home.path());
        assert_removed(&serving.client(TOKEN));
        if is_last {
            serving.wait_for_log("changed the profiles of tenants that were changed");
            assert_removed(&serving.client(TOKEN));
        }
        kill(serving);
    }
}

#[test]
fn nothing_of_a_deleted_tenant_is_there_after_a_kill() {
    let home = TempDir::new().expect("a temporary directory");
    seed(home.path());
    let serving = start(home.path());
    post(&serving.client(TOKEN), "big/delete", &[]);
    kill(serving);
    let assert_gone = |client: &Client| {
        for number in (0..COUNT).step_by(7).take(LOOKS as usize) {
            let target = format!("{PROFILES}/{}?accessTokenId={TOKEN}", id(number));
            client.get(&target).assert_no_such_profile(&id(number));
            client
                .read(&login(number))
                .assert_no_such_login(&login(number));
        }
    };
    for is_last in [false, true] {
        let mut serving = start(home.path());
        assert_gone(&serving.client(TOKEN));
        if is_last {
            serving.wait_for_log("removed the profiles of deleted tenants");
            assert_gone(&serving.client(TOKEN));
        }
        kill(serving);
    }
}
