//! A database that is restored from a backup.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture::PROFILE;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};

/// How often each login is rotated after the backup.
const ROTATIONS: usize = 6;

/// A login, and its tokens in order: the first one is in the backup.
struct Used {
    id: String,
    tokens: Vec<String>,
}

impl Used {
    fn newest(&self) -> &str {
        &self.tokens[ROTATIONS]
    }
}

fn launch(home: &Path) -> Launch {
    Launch::serve(home)
        .seed(DEMO_SEED)
        .argument("--log-format=json")
}

/// The outcome of presenting a token, and the current token.
#[track_caller]
fn present(serving: &Serving, id: &str, token: &str) -> (String, String) {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let response = client.refresh_extended(id, token);
    assert_eq!(response.status, 200, "{response:?}");
    let json: Value = serde_json::from_str(&response.body).expect("it is JSON");
    let text = |name: &str| json[name].as_str().expect("it is a text").to_owned();
    (text("outcome"), text("token"))
}

#[track_caller]
fn assert_found_out(serving: &Serving, id: &str, token: &str) {
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client
        .refresh_with(id, token)
        .assert_reuse("the persistent login was revoked");
    client.read(id).assert_no_such_login(id);
}

/// A server on the backup of logins that were used afterwards, and one that was ended.
fn restored(count: usize) -> (TempDir, Serving, Vec<Used>, Used) {
    let (home, backup) = (TempDir::new(), TempDir::new());
    let home = home.expect("a temporary directory");
    let backup = backup.expect("a temporary directory");
    let serving = launch(home.path()).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let create = || {
        let login = client.create(PROFILE).login();
        Used {
            id: login.id,
            tokens: vec![login.token],
        }
    };
    let mut logins: Vec<_> = (0..=count).map(|_| create()).collect();
    serving.stop();
    copy(home.path(), backup.path());
    let serving = launch(home.path()).start();
    for login in &mut logins {
        for number in 0..ROTATIONS {
            let (_, token) = present(&serving, &login.id, &login.tokens[number]);
            login.tokens.push(token);
        }
    }
    let ended = logins.pop().expect("there is one more");
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client.delete(&ended.id).assert_empty();
    serving.stop();
    copy(backup.path(), home.path());
    let serving = launch(home.path()).start();
    (home, serving, logins, ended)
}

fn copy(from: &Path, to: &Path) {
    for name in ["rememberd.redb", "rememberd.keys"] {
        fs::copy(from.join(name), to.join(name)).expect("it is copied");
    }
}

#[test]
fn every_cookie_works_after_a_restore_and_stolen_ones_are_found_out() {
    let (_home, mut serving, logins, ended) = restored(5);
    for (stolen, login) in logins.iter().enumerate() {
        let id = &login.id;
        let (outcome, fresh) = present(&serving, id, login.newest());
        assert_eq!(outcome, "newer_token");
        serving.wait_for_log("newer_token");
        assert_eq!(present(&serving, id, &fresh).0, "rotated");
        // The first one is the backup's, the others were issued after it.
        assert_found_out(&serving, id, &login.tokens[stolen]);
    }
    // It was ended after the backup, and is there again.
    assert_eq!(
        present(&serving, &ended.id, ended.newest()).0,
        "newer_token"
    );
    serving.stop();
}

#[test]
fn a_thief_who_comes_first_after_a_restore_is_found_out_once_the_owner_has_come() {
    let (_home, serving, logins, _) = restored(4);
    for (stolen, login) in logins.iter().enumerate() {
        let id = &login.id;
        let (outcome, of_thief) = present(&serving, id, &login.tokens[stolen]);
        assert_eq!(
            outcome,
            if stolen == 0 {
                "rotated"
            } else {
                "newer_token"
            }
        );
        // The server issues what was issued before.
        assert_eq!(of_thief, login.tokens[stolen + 1]);
        assert_eq!(present(&serving, id, login.newest()).0, "newer_token");
        if stolen > 0 {
            assert_found_out(&serving, id, &login.tokens[stolen - 1]);
        }
    }
    serving.stop();
}
