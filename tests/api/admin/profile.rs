//! `rememberd admin profile`.

use std::fs::File;

use serde_json::json;
use tempfile::TempDir;

use super::{admin, admin_json, assert_code, assert_exit_code, launch, served, served_with};
use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, Launch, Serving};

fn sign_in(serving: &Serving, username: &str, password: &str) -> u16 {
    let form = [
        ("accessTokenId", DEMO_ACCESS_TOKEN),
        ("tenantName", "default"),
        ("username", username),
        ("password", password),
    ];
    let form = crate::support::client::encode(&form);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client
        .post("/api/1/authentication/authenticate", &form)
        .status
}

#[test]
fn a_profile_is_created_listed_shown_and_deleted() {
    let (home, serving) = served();
    let home = home.path();
    let created = admin_json(
        home,
        &[
            "profile",
            "create",
            "ann",
            "--email",
            "ann@example.com",
            "--role",
            "USER",
            "--role",
            "ADMIN",
        ],
    );
    assert_eq!(created["username"], "ann");
    assert_eq!(created["tenant"], "default");
    assert_eq!(created["enabled"], true);
    let mut roles: Vec<_> = created["roles"].as_array().expect("a list").clone();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(json!(roles), json!(["ADMIN", "USER"]));
    let listed = admin_json(home, &["profile", "list"]);
    let usernames: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["username"])
        .collect();
    assert_eq!(usernames, [&json!("ann"), &json!("jdoe")]);
    assert!(admin(home, &["profile", "list"]).starts_with("USERNAME  EMAIL"));
    let id = created["id"].as_str().expect("an id");
    for name in ["ann", id] {
        assert_eq!(
            admin_json(home, &["profile", "show", name])["id"],
            created["id"]
        );
    }
    let unknown = assert_exit_code(home, &["profile", "show", "bob"], 1);
    assert_eq!(
        unknown,
        "rememberd: No profile found for tenant \"default\" and username \"bob\"\n"
    );
    let unknown = assert_exit_code(home, &["profile", "list", "--tenant", "x"], 1);
    assert_eq!(unknown, "rememberd: No tenant with name \"x\" found\n");
    assert_exit_code(home, &["profile", "delete", "ann"], 2);
    admin(home, &["profile", "delete", "ann", "--yes"]);
    assert_exit_code(home, &["profile", "show", id], 1);
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 200);
}

#[test]
fn a_username_that_is_the_id_of_another_profile_is_refused_where_either_may_be_meant() {
    let (home, serving) = served();
    let home = home.path();
    let twin = admin_json(
        home,
        &["profile", "create", PROFILE, "--email", "twin@example.com"],
    );
    for arguments in [
        &["profile", "show", PROFILE][..],
        &["profile", "disable", PROFILE, "--yes"],
        &["profile", "delete", PROFILE, "--yes"],
        &["login", "list", "--profile", PROFILE],
        &["login", "end", "--profile", PROFILE, "--yes"],
    ] {
        let refused = assert_exit_code(home, arguments, 1);
        assert_eq!(
            refused,
            format!(
                "rememberd: {PROFILE} is the id of \"jdoe\" of the tenant \"default\", and another profile has it as \
                 its username; name the former by its username and its tenant, the latter by its username and \
                 --tenant default\n"
            )
        );
    }
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).status, 200);
    let show = |arguments: &[&str]| {
        let shown = admin_json(home, &[&["profile", "show"], arguments].concat());
        shown["id"].clone()
    };
    assert_eq!(show(&["jdoe"]), PROFILE);
    assert_eq!(show(&[PROFILE, "--tenant", "default"]), twin["id"]);
    // What is said to be a username is none of an id.
    let listed = admin_json(home, &["login", "list", "--username", PROFILE]);
    assert_eq!(listed, json!([]));
    let ended = admin_json(home, &["login", "end", "--username", PROFILE, "--yes"]);
    assert_eq!(ended["deleted"], 0);
    assert_eq!(client.read(LOGIN).status, 200);
    admin(
        home,
        &["profile", "delete", PROFILE, "--tenant", "default", "--yes"],
    );
    assert_eq!(show(&[PROFILE]), PROFILE);
}

#[test]
fn a_profile_is_disabled_and_enabled() {
    let (home, serving) = served();
    let home = home.path();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).status, 200);
    assert_exit_code(home, &["profile", "disable", "jdoe"], 2);
    assert_eq!(client.read(LOGIN).status, 200);
    let disabled = admin_json(home, &["profile", "disable", "jdoe", "--yes"]);
    assert_eq!(disabled["enabled"], false);
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 403);
    let enabled = admin_json(home, &["profile", "enable", PROFILE]);
    assert_eq!(enabled["enabled"], true);
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 200);
    client.read(LOGIN).assert_no_such_login(LOGIN);
}

#[test]
fn a_profile_that_failed_sign_ins_locked_is_shown_as_such_and_unlocked() {
    let (home, mut serving) = served_with(&[
        ("REMEMBERD_SIGN_IN_DELAY", "0s"),
        ("REMEMBERD_SIGN_IN_LOCK_AFTER", "3"),
    ]);
    let home = home.path();
    admin(
        home,
        &["profile", "create", "ann", "--email", "ann@example.com"],
    );
    let shown = || admin_json(home, &["profile", "show", "jdoe"])["lockedUntil"].clone();
    let listed = || {
        let listed = admin_json(home, &["profile", "list"]);
        let profiles = listed.as_array().expect("a list").iter();
        let locks = profiles.map(|profile| profile["lockedUntil"].clone());
        locks.collect::<Vec<_>>()
    };
    assert_eq!(shown(), json!(null));
    for _ in 0..3 {
        assert_eq!(sign_in(&serving, "jdoe", "wrong"), 401);
    }
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 403);
    let until = shown();
    let now = admin_json(home, &["clock", "show"])["believedTime"]
        .as_i64()
        .expect("a time");
    let left = until.as_i64().expect("a time") - now;
    assert!((1..=600_000).contains(&left), "{left} ms");
    // Ann is before jdoe.
    let lock = listed();
    assert_eq!(lock[0], json!(null));
    assert!((lock[1].as_i64().expect("a time") - until.as_i64().expect("a time")).abs() < 1_000);
    let table = admin(home, &["profile", "show", "jdoe"]);
    let line = table.lines().find(|line| line.starts_with("locked until "));
    assert!(
        line.is_some_and(|line| line.ends_with('Z')),
        "no time: {table}"
    );
    // What does not unlock it says so.
    let enabled = admin_json(home, &["profile", "enable", "jdoe"]);
    assert!(enabled["lockedUntil"].is_number(), "{enabled}");
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 403);

    let unlocked = admin_json(home, &["profile", "unlock", "jdoe"]);
    assert_eq!(
        (&unlocked["username"], &unlocked["lockedUntil"]),
        (&json!("jdoe"), &json!(null))
    );
    let line = serving.wait_for_log("audit what=\"unlock_profile\"");
    assert!(
        line.contains(&format!(
            "profile=\"{PROFILE}\" application=\"local operator\""
        )),
        "{line}"
    );
    assert_eq!(listed(), [json!(null), json!(null)]);
    // The failures are forgotten: one more does not lock it again.
    assert_eq!(sign_in(&serving, "jdoe", "wrong"), 401);
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 200);
    admin(home, &["profile", "unlock", PROFILE]);
    assert_exit_code(home, &["profile", "unlock", "bob"], 1);
    let log = serving.stop().stderr;
    assert_eq!(log.matches("unlock_profile").count(), 1, "{log}");
}

#[test]
fn no_profile_of_a_long_list_is_looked_at_twice() {
    let count = 1_001;
    let home = TempDir::new().expect("a temporary directory");
    let profiles = (0..count)
        .map(|number| json!({"username": format!("u{number:05}"), "tenant": "corp", "email": "a@b.c", "enabled": true}));
    let seed = json!({
        "tenant": [{"name": "corp"}, {"name": "default"}],
        "profile": profiles.collect::<Vec<_>>(),
    });
    let file = home.path().join("seed.json");
    std::fs::write(&file, seed.to_string()).expect("it is written");
    let data = home.path().join("data");
    let _serving = Launch::serve(&data)
        .seed(&file)
        .variable("REMEMBERD_LIST_EXAMINED_MAX", "600")
        .start();
    let listed = admin_json(&data, &["profile", "list", "--tenant", "corp"]);
    let listed = listed.as_array().expect("a list").iter();
    let usernames: Vec<_> = listed.filter_map(|one| one["username"].as_str()).collect();
    let expected: Vec<_> = (0..count).map(|number| format!("u{number:05}")).collect();
    assert_eq!(usernames, expected);
}

#[test]
fn a_password_is_a_line_of_standard_input_and_in_no_argument() {
    let (home, serving) = served();
    let file = |text: &str| {
        let path = home.path().join("password");
        std::fs::write(&path, text).expect("it is written");
        File::open(path).expect("it is there")
    };
    let set = |text: &str| {
        launch(home.path(), &["profile", "set-password", "jdoe"])
            .stdin(file(text))
            .run()
    };
    assert_code(&set("new & better\nsecond line\n"), 0);
    assert_eq!(sign_in(&serving, "jdoe", "1234"), 401);
    assert_eq!(sign_in(&serving, "jdoe", "new & better"), 200);
    serving
        .client(DEMO_ACCESS_TOKEN)
        .read(LOGIN)
        .assert_no_such_login(LOGIN);
    let refused = set("\n");
    assert_code(&refused, 2);
    assert!(
        refused.stderr.contains("the password is empty"),
        "{refused:?}"
    );
    let created = launch(
        home.path(),
        &["profile", "create", "ann", "--email", "a@b.c", "--password"],
    )
    .stdin(file("of ann\r\n"))
    .run();
    assert_code(&created, 0);
    assert_eq!(sign_in(&serving, "ann", "of ann"), 200);
    let log = serving.stop().stderr;
    assert!(!log.contains("better") && !log.contains("of ann"), "{log}");
}
