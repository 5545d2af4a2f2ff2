//! `rememberd admin login` and `rememberd admin ticket`.

use std::path::Path;

use super::{admin, admin_json, assert_exit_code, served, served_with};
use crate::support::client::Client;
use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, Launch, Serving};

fn client(serving: &Serving) -> Client {
    serving.client(DEMO_ACCESS_TOKEN)
}

#[test]
fn the_logins_of_a_profile_are_listed_and_one_is_ended() {
    let (home, serving) = served();
    let home = home.path();
    let id = client(&serving).create(PROFILE).login().id;
    for owner in [
        ["--profile", PROFILE],
        ["--profile", "jdoe"],
        ["--username", "jdoe"],
    ] {
        let listed = admin_json(home, &[&["login", "list"], &owner[..]].concat());
        assert_eq!(listed.as_array().expect("a list").len(), 2, "{owner:?}");
    }
    let table = admin(home, &["login", "list", "--profile", PROFILE]);
    assert!(
        table.starts_with("ID  ") && table.contains(LOGIN),
        "{table}"
    );
    let ended = admin_json(home, &["login", "end", &id]);
    assert_eq!(ended["profileId"], PROFILE);
    assert!(ended.get("token").is_none());
    client(&serving).read(&id).assert_no_such_login(&id);
    assert_eq!(client(&serving).read(LOGIN).status, 200);
    let refused = assert_exit_code(home, &["login", "end", &id], 1);
    assert_eq!(
        refused,
        format!("rememberd: No persistent login with ID \"{id}\" found\n")
    );
    assert_exit_code(home, &["login", "list"], 2);
    assert_exit_code(home, &["login", "end"], 2);
    assert_exit_code(
        home,
        &["login", "end", "--all", "--tenant", "default", "--yes"],
        2,
    );
}

#[test]
fn a_login_is_found_by_the_fingerprint_of_the_audit_log() {
    let (home, mut serving) = served();
    let id = client(&serving).create(PROFILE).login().id;
    let line = serving.wait_for_log("audit what=\"create\"");
    let (_, rest) = line.split_once("login=\"").expect("a fingerprint");
    let (fingerprint, _) = rest.split_once('"').expect("its end");
    let found = admin_json(home.path(), &["login", "find", fingerprint]);
    assert_eq!(found["id"], id.as_str());
    assert_eq!(found["profileId"], PROFILE);
    assert_eq!(found["username"], "jdoe");
    assert_eq!(found["tenant"], "default");
    assert_eq!(found["isValid"], true);
    let table = admin(home.path(), &["login", "find", fingerprint]);
    let mut lines = table.lines().map(|line| line.split_whitespace());
    let username =
        lines.find_map(|mut words| (words.next() == Some("username")).then(|| words.next()));
    assert_eq!(username, Some(Some("jdoe")), "{table}");
    let refused = assert_exit_code(home.path(), &["login", "find", "0123456789abcdef"], 1);
    let expected = "rememberd: No persistent login has the fingerprint \"0123456789abcdef\"\n";
    assert_eq!(refused, expected);
    let refused = assert_exit_code(home.path(), &["login", "find", "zz"], 2);
    assert!(
        refused.contains("a fingerprint has 16 hexadecimal digits"),
        "{refused}"
    );
    // The fingerprint is the same while no server runs.
    serving.stop();
    let found = admin_json(home.path(), &["login", "find", fingerprint]);
    assert_eq!(found["id"], id.as_str());
}

#[test]
fn all_logins_of_a_profile_end() {
    let (home, serving) = served();
    let id = client(&serving).create(PROFILE).login().id;
    assert_exit_code(home.path(), &["login", "end", "--profile", PROFILE], 2);
    let ended = admin_json(
        home.path(),
        &["login", "end", "--username", "jdoe", "--yes"],
    );
    assert_eq!(ended["deleted"], 2);
    for id in [&id, LOGIN] {
        client(&serving).read(id).assert_no_such_login(id);
    }
}

/// Ends logins by `end`, and checks that those of `jdoe` are ended and `others` are not, also after a restart, and that
/// they are removed and new ones are valid.
#[track_caller]
fn assert_ends(end: &[&str], ends_others: bool) {
    let (home, serving) = served_with(&[("REMEMBERD_CLEANER_INTERVAL", "1h")]);
    let home: &Path = home.path();
    admin(home, &["tenant", "create", "other"]);
    let ann = admin_json(
        home,
        &[
            "profile", "create", "ann", "--tenant", "other", "--email", "a@b.c",
        ],
    );
    let ann = ann["id"].as_str().expect("an id");
    let ended = client(&serving).create(PROFILE).login().id;
    let other = client(&serving).create(ann).login().id;
    assert_exit_code(home, end, 2);
    assert_eq!(client(&serving).read(&ended).status, 200);
    admin(home, &[end, &["--yes"]].concat());
    let assert_ended = |serving: &Serving| {
        for id in [&ended, LOGIN] {
            client(serving).read(id).assert_no_such_login(id);
            client(serving).refresh(id).assert_no_such_login(id);
        }
        assert_eq!(client(serving).by_profile(PROFILE, "").list().len(), 0);
        let status = if ends_others { 404 } else { 200 };
        assert_eq!(client(serving).refresh(&other).status, status);
    };
    assert_ended(&serving);
    let log = serving.stop().stderr;
    assert!(log.contains("audit what=\"end_"), "{log}");
    // It removes them at its start.
    let mut serving = Launch::serve(home).start();
    assert_ended(&serving);
    let new = client(&serving).create(PROFILE).login().id;
    assert_eq!(client(&serving).refresh(&new).status, 200);
    assert_eq!(client(&serving).by_profile(PROFILE, "").list().len(), 1);
    serving.wait_for_log("removed logins that were ended together");
    let left = if ends_others { 1 } else { 2 };
    assert_eq!(admin_json(home, &["stats"])["persistentLogins"], left);
    assert_eq!(client(&serving).refresh(&new).status, 200);
    serving.stop();
    let checked = Launch::new(&["check", "--data-dir"]).argument(home).run();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn all_logins_of_a_tenant_end() {
    assert_ends(&["login", "end", "--tenant", "default"], false);
}

#[test]
fn all_logins_end() {
    assert_ends(&["login", "end", "--all"], true);
}

#[test]
fn what_is_ended_must_be_there() {
    let (home, _serving) = served();
    let refused = assert_exit_code(home.path(), &["login", "end", "--tenant", "x", "--yes"], 1);
    assert_eq!(refused, "rememberd: No tenant with name \"x\" found\n");
    let refused = assert_exit_code(
        home.path(),
        &["login", "end", "--username", "x", "--yes"],
        1,
    );
    assert_eq!(
        refused,
        "rememberd: No profile found for tenant \"default\" and username \"x\"\n"
    );
    let response = super::exchange(
        home.path(),
        "POST /admin/1/login/end_all?tenant=default HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
    );
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[test]
fn a_ticket_is_ended() {
    let (home, serving) = served();
    let form = crate::support::client::encode(&[
        ("accessTokenId", DEMO_ACCESS_TOKEN),
        ("profileId", PROFILE),
    ]);
    let created = client(&serving).post("/api/1/authentication/ticket/create", &form);
    let created: serde_json::Value = serde_json::from_str(&created.body).expect("JSON");
    let id = created["id"].as_str().expect("an id");
    let ended = admin_json(home.path(), &["ticket", "end", id]);
    assert_eq!(ended["profileId"], PROFILE);
    let refused = assert_exit_code(home.path(), &["ticket", "end", id], 1);
    assert_eq!(
        refused,
        format!("rememberd: No ticket with ID \"{id}\" found\n")
    );
}

#[test]
fn an_empty_name_is_refused_by_the_command_line() {
    let (home, serving) = served();
    for arguments in [
        &["login", "end", ""][..],
        &["login", "end", "--profile="],
        &["login", "end", "--username="],
        &["login", "end", "--tenant="],
        &["login", "list", "--profile="],
        &["ticket", "end", ""],
        &["profile", "show", ""],
    ] {
        let refused = assert_exit_code(home.path(), &[arguments, &["--yes"]].concat(), 2);
        assert!(
            refused.contains("a value is required"),
            "{arguments:?}: {refused}"
        );
    }
    serving.stop();
}
