//! The rules of a seed file: what is refused, what is skipped, and what is warned of.

use rememberd::testing::{Password, PasswordHash};
use serde_json::{Value, json};

use crate::support::process::DEMO_ACCESS_TOKEN;
use crate::support::server::Setup;

const PROFILE: &str = "5925a68def86951f895cf497";
const LOGIN: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

fn whole() -> Value {
    json!({
        "accesstoken": [{"_id": "a", "application": "shop"}],
        "tenant": [{"name": "default"}],
        "profile": [{"_id": PROFILE, "username": "jdoe", "enabled": true, "tenant": "default"}],
        "persistentlogin": [
            {"_id": LOGIN, "tenant": "default", "profileId": {"$oid": PROFILE}, "token": LOGIN}
        ],
        "ticket": [{"_id": LOGIN, "tenant": "default", "profileId": PROFILE}],
        "verificationtoken": [{"_id": LOGIN, "tenant": "default", "profileId": PROFILE}],
    })
}

/// Loads the file by strict rules.
fn load(file: &Value) -> Result<(String, Vec<String>), String> {
    Setup::new().seed(file.clone()).load(true)
}

fn warnings(file: &Value) -> Vec<String> {
    load(file).expect("a valid file").1
}

#[test]
fn an_invalid_entry_is_refused_with_its_path() {
    let cases = [
        ("/accesstoken/0/_id", json!(""), "accesstoken[0]._id: "),
        ("/tenant/0/name", json!(""), "tenant[0].name: "),
        ("/profile/0/_id", json!("xyz"), "profile[0]._id: "),
        ("/profile/0/tenant", json!("other"), "profile[0].tenant: "),
        ("/profile/0/username", json!(""), "profile[0].username: "),
        (
            "/persistentlogin/0/_id",
            json!("7"),
            "persistentlogin[0]._id: ",
        ),
        (
            "/persistentlogin/0/token",
            json!("7"),
            "persistentlogin[0].token: ",
        ),
        (
            "/persistentlogin/0/tenant",
            json!("x"),
            "persistentlogin[0].tenant: ",
        ),
        (
            "/persistentlogin/0/profileId",
            json!("000000000000000000000000"),
            "persistentlogin[0].profileId: ",
        ),
        ("/ticket/0/_id", json!("7"), "ticket[0]._id: "),
        (
            "/ticket/0/profileId",
            json!("000000000000000000000000"),
            "ticket[0].profileId: ",
        ),
        ("/ticket/0/tenant", json!("x"), "ticket[0].tenant: "),
        (
            "/verificationtoken/0/_id",
            json!("7"),
            "verificationtoken[0]._id: ",
        ),
        (
            "/verificationtoken/0/profileId",
            json!("000000000000000000000000"),
            "verificationtoken[0].profileId: ",
        ),
    ];
    for (pointer, value, path) in cases {
        let mut file = whole();
        *file.pointer_mut(pointer).expect(pointer) = value;
        let refusal = load(&file).expect_err(pointer);
        assert!(refusal.starts_with(path), "{refusal}");
    }
}

#[test]
fn a_clear_text_password_is_refused() {
    let mut file = whole();
    file["profile"][0]["password"] = json!("secret");
    let refusal = load(&file).expect_err("a password must be a hash");
    assert!(refusal.starts_with("profile[0].password: "), "{refusal}");
    assert!(!refusal.contains("secret"));
}

#[test]
fn a_permission_for_what_is_not_there_is_a_warning() {
    let mut file = whole();
    file["accesstoken"][0]["tenantPermissions"] = json!([
        {"tenant": "*", "allowedActions": ["*"]},
        {"tenant": "default", "allowedActions": ["MANAGE_TICKETS", "READ_TENANT"]},
        {"tenant": "defualt", "allowedActions": ["manage_tickets"]},
    ]);
    file["persistentlogin"] = json!([]);
    let expected = [
        "accesstoken[0].tenantPermissions[2].tenant: there is no tenant \"defualt\" in the file",
        "accesstoken[0].tenantPermissions[2].allowedActions: there is no action \"manage_tickets\"; the actions \
         are MANAGE_TICKETS, MANAGE_PROFILES, CREATE_TENANT, READ_TENANT, UPDATE_TENANT, DELETE_TENANT, \
         CREATE_TOKEN, READ_TOKEN, DELETE_TOKEN and *",
    ];
    assert_eq!(warnings(&file), expected);
}

#[test]
fn what_belongs_to_nothing_is_skipped_and_counted_unless_the_rules_are_strict() {
    let mut file = whole();
    let other = |id: &str, tenant: &str| json!({"_id": id, "username": id, "enabled": true, "tenant": tenant});
    let profiles = file["profile"].as_array_mut().expect("a list");
    profiles.insert(0, other("5925a68def86951f895cf401", "gone"));
    profiles.push(other("5925a68def86951f895cf402", "gone"));
    let login = |profile: &str, tenant: &str| json!({"tenant": tenant, "profileId": profile, "token": LOGIN});
    let logins = file["persistentlogin"].as_array_mut().expect("a list");
    logins.push(login("5925a68def86951f895cf402", "default"));
    logins.push(login("5925a68def86951f895cf401", "gone"));
    for list in ["ticket", "verificationtoken"] {
        let unknown = json!({
            "_id": LOGIN.replace('b', "c"),
            "tenant": "default",
            "profileId": "5925a68def86951f895cf403",
        });
        file[list].as_array_mut().expect("a list").push(unknown);
    }
    let refused = load(&file).expect_err("the rules are strict");
    assert_eq!(
        refused,
        "profile[0].tenant: there is no such tenant in the file"
    );
    let (counts, warnings) = Setup::new().seed(file).load(false).expect("it is loaded");
    assert_eq!(
        counts,
        "1 profile, 1 login, 1 tenant, 1 access token, 1 ticket, 1 verification token; 6 entries skipped"
    );
    let expected = [
        "profile: 2 entries are skipped: there is no such tenant in the file; the first is profile[0]",
        "persistentlogin: 1 entry is skipped: there is no such profile in the file; the first is persistentlogin[1]",
        "persistentlogin: 1 entry is skipped: there is no such tenant in the file; the first is persistentlogin[2]",
    ];
    assert_eq!(warnings[..3], expected);
    assert!(
        warnings[5].starts_with("persistentlogin: if "),
        "{warnings:?}"
    );
}

#[test]
fn a_user_with_a_password_that_everybody_knows_is_a_warning() {
    let mut file = whole();
    file["persistentlogin"] = json!([]);
    file["profile"][0]["username"] = json!("admin");
    let hash = |text: &str| {
        let password = Password::new(text).expect("it is short");
        json!(PasswordHash::contract(&password, [7; 16]).to_text())
    };
    file["profile"][0]["password"] = hash("Admin");
    assert_eq!(warnings(&file).len(), 0);
    file["profile"][0]["password"] = hash("admin");
    let expected = "profile[0].password: everybody knows the password of the user \"admin\" of the tenant \
                    \"default\"; change it";
    assert_eq!(warnings(&file), [expected]);
}

#[test]
fn an_access_token_that_everybody_knows_is_a_warning() {
    let mut file = whole();
    file["accesstoken"][0]["_id"] = json!(DEMO_ACCESS_TOKEN);
    file["persistentlogin"] = json!([]);
    let expected = "accesstoken[0]._id: everybody knows this access token, of the application \"shop\"; give it \
                    another _id";
    assert_eq!(warnings(&file), [expected]);
}

#[test]
fn duplicates_are_refused() {
    for list in [
        "accesstoken",
        "tenant",
        "profile",
        "persistentlogin",
        "ticket",
        "verificationtoken",
    ] {
        let mut file = whole();
        let entries = file[list].as_array_mut().expect("a list");
        entries.push(entries[0].clone());
        let refusal = load(&file).expect_err(list);
        assert!(refusal.starts_with(&format!("{list}[1].")), "{refusal}");
    }
}

#[test]
fn an_id_that_is_there_twice_is_refused_in_another_batch_too() {
    const PROFILES: usize = 9;
    let mut file = whole();
    let text = "x".repeat(1 << 20);
    let profile = |number: usize, username: &str| {
        json!({
            "_id": format!("5925a68def86951f895cf4{number:02x}"),
            "username": username,
            "enabled": true,
            "tenant": "default",
            "attributes": {"text": text},
        })
    };
    let profiles = file["profile"].as_array_mut().expect("a list");
    profiles.extend((0..PROFILES).map(|number| profile(number, &number.to_string())));
    let (counts, _) = load(&file).expect("a valid file");
    assert!(counts.starts_with("10 profiles, 1 login, "), "{counts}");
    let profiles = file["profile"].as_array_mut().expect("a list");
    profiles.push(profile(0, "other"));
    let refusal = load(&file).expect_err("an id is there twice");
    assert_eq!(
        refusal,
        "profile[10]._id: an earlier entry has the same one"
    );
    let profiles = file["profile"].as_array_mut().expect("a list");
    profiles[PROFILES + 1] = profile(0xff, "0");
    let refusal = load(&file).expect_err("a username is there twice");
    assert_eq!(
        refusal,
        "profile[10].username: an earlier entry has the same one"
    );
}
