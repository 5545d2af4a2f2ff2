//! `rememberd admin key`.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use super::{admin, admin_json, assert_exit_code, create_access_token, served};
use crate::support::fixture::{LOGIN, PROFILE};
use crate::support::process::{DEMO_ACCESS_TOKEN, Launch};

#[test]
fn keys_are_rotated_live_and_an_old_one_is_dropped() {
    let (home, serving) = served();
    let home = home.path();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let id = client.create(PROFILE).login().id;
    assert_eq!(
        admin_json(home, &["key", "list"]),
        json!([{"number": 1, "isNewest": true, "logins": 2}])
    );
    let refused = assert_exit_code(home, &["key", "drop", "1", "--yes"], 1);
    assert_eq!(
        refused,
        "rememberd: Key 1 is the newest one: rotate the keys first\n"
    );
    assert_eq!(admin_json(home, &["key", "rotate"]), json!({"number": 2}));
    // The demo's login moves in time, the other one does not.
    client.refresh(LOGIN).login();
    client.refresh(LOGIN).login();
    assert_eq!(
        admin_json(home, &["key", "list"]),
        json!([
            {"number": 1, "isNewest": false, "logins": 1},
            {"number": 2, "isNewest": true, "logins": 1}
        ])
    );
    let refused = assert_exit_code(home, &["key", "drop", "1"], 2);
    assert!(
        refused.contains("end the 1 login that needs it"),
        "{refused}"
    );
    assert_exit_code(home, &["key", "drop", "7", "--yes"], 1);
    assert_eq!(
        admin_json(home, &["key", "drop", "1", "--yes"]),
        json!({"number": 1, "logins": 1})
    );
    client.read(&id).assert_no_such_login(&id);
    let token = client.refresh(LOGIN).login().token;
    let keys = fs::read_to_string(home.join("rememberd.keys")).expect("the key file");
    assert!(!keys.lines().any(|line| line.starts_with("1 ")), "{keys}");
    // The server goes on with the file as it is, and so does the next one.
    let log = serving.stop().stderr;
    assert!(!log.contains("ERROR"), "{log}");
    let serving = Launch::serve(home).start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.refresh_with(LOGIN, &token).status, 200);
    client.read(&id).assert_no_such_login(&id);
    assert_eq!(admin(home, &["key", "list"]).lines().count(), 2);
    serving.stop();
}

#[test]
fn the_ids_of_access_tokens_are_listed_and_exported_after_their_key_is_dropped() {
    let (home, serving) = served();
    let home = home.path();
    let ids = || {
        let listed = admin_json(home, &["access-token", "list", "--ids"]);
        let tokens = listed.as_array().expect("a list").iter();
        let ids = tokens.map(|token| token["id"].as_str().expect("an id").to_owned());
        ids.collect::<Vec<_>>()
    };
    let mut expected = vec![
        DEMO_ACCESS_TOKEN.to_owned(),
        create_access_token(home, "first"),
    ];
    admin(home, &["key", "rotate"]);
    expected.push(create_access_token(home, "second"));
    assert_eq!(ids(), expected);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    client.refresh(LOGIN).login();
    admin(home, &["key", "drop", "1", "--yes"]);
    assert_eq!(ids(), expected);
    assert_eq!(client.read(LOGIN).status, 200);
    // Again, with the key that sealed them anew, and while no server runs.
    serving.stop();
    admin(home, &["key", "rotate"]);
    admin(home, &["key", "drop", "2", "--yes"]);
    assert_eq!(ids(), expected);
    let exported = home.join("exported");
    let ended = Launch::new(&["export", "--data-dir"])
        .argument(home)
        .argument(&exported)
        .run();
    assert!(ended.status.success(), "{ended:?}");
    let exported = fs::read_to_string(exported.join("accesstoken.json")).expect("it is there");
    for id in &expected {
        assert!(exported.contains(id), "{exported}");
    }
    let checked = Launch::new(&["check", "--data-dir"]).argument(home).run();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn nobody_is_logged_out_by_a_rotation_of_the_keys_under_load() {
    let (home, serving) = served();
    let clients = [(); 4].map(|()| serving.client(DEMO_ACCESS_TOKEN));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let loads: Vec<_> = clients
            .iter()
            .map(|client| {
                scope.spawn(|| {
                    let login = client.create(PROFILE).login();
                    let (mut token, mut rotations) = (login.token, 0);
                    while !stop.load(Ordering::Relaxed) {
                        token = client.refresh_with(&login.id, &token).login().token;
                        rotations += 1;
                    }
                    rotations
                })
            })
            .collect();
        for number in 2..6 {
            assert_eq!(
                admin_json(home.path(), &["key", "rotate"]),
                json!({"number": number})
            );
        }
        // These commands look at everything.
        for command in [
            &["stats"][..],
            &["key", "list"],
            &["login", "list", "--profile", PROFILE],
        ] {
            admin(home.path(), command);
        }
        assert_exit_code(home.path(), &["login", "find", "0123456789abcdef"], 1);
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            let rotations: u32 = load.join().expect("every refresh succeeds");
            assert!(rotations > 0);
        }
    });
    let log = serving.stop().stderr;
    assert!(
        !log.contains("unknown_token") && !log.contains("reuse"),
        "{log}"
    );
}

#[test]
fn what_looks_at_all_logins_may_take_longer_than_other_requests() {
    const LOGINS: usize = 10_000;
    let login = |number: usize| {
        let token = format!("b68c0013-d7b2-4004-8463-{number:012x}");
        json!({"_id": token, "tenant": "default", "profileId": PROFILE, "token": token})
    };
    let seed = json!({
        "tenant": [{"name": "default"}],
        "profile": [{"_id": PROFILE, "username": "jdoe", "enabled": true, "tenant": "default"}],
        "persistentlogin": (0..LOGINS).map(login).collect::<Vec<_>>(),
    });
    let home = TempDir::new().expect("a temporary directory");
    let seed_file = home.path().join("seed.json");
    fs::write(&seed_file, seed.to_string()).expect("it is written");
    // There is a pause of a millisecond after each few hundred logins.
    let serving = Launch::serve(home.path())
        .seed(seed_file)
        .argument("--write-timeout=10ms")
        .start();
    let listed = admin_json(home.path(), &["key", "list"]);
    assert_eq!(listed[0]["logins"], LOGINS);
    let fingerprint = "0123456789abcdef";
    let unknown = assert_exit_code(home.path(), &["login", "find", fingerprint], 1);
    assert!(
        unknown.contains("No persistent login has the fingerprint"),
        "{unknown}"
    );
    serving.stop();
}

#[test]
fn keys_are_rotated_while_no_server_runs() {
    let (home, serving) = served();
    serving.stop();
    assert_eq!(
        admin_json(home.path(), &["key", "rotate"]),
        json!({"number": 2})
    );
    let serving = Launch::serve(home.path()).start();
    serving.client(DEMO_ACCESS_TOKEN).refresh(LOGIN).login();
    let listed = admin_json(home.path(), &["key", "list"]);
    assert_eq!(
        listed[1],
        json!({"number": 2, "isNewest": true, "logins": 1})
    );
    serving.stop();
}

#[test]
fn a_key_file_that_cannot_be_written_is_named_with_the_cause() {
    let (home, serving) = served();
    // The file is written under this name first.
    let unfinished = home.path().join("rememberd.keys.unfinished");
    fs::create_dir(&unfinished).expect("a directory");
    let path = home.path().join("rememberd.keys");
    let expected = format!(
        "rememberd: The key file cannot be written, and nothing was changed: {}: ",
        path.display()
    );
    let refused = assert_exit_code(home.path(), &["key", "rotate"], 1);
    assert!(refused.starts_with(&expected), "{refused}");
    fs::remove_dir(&unfinished).expect("it is there");
    assert_eq!(
        admin_json(home.path(), &["key", "rotate"]),
        json!({"number": 2})
    );
    // A login that needs the first key goes on.
    fs::create_dir(&unfinished).expect("a directory");
    let refused = assert_exit_code(home.path(), &["key", "drop", "1", "--yes"], 1);
    assert!(refused.starts_with(&expected), "{refused}");
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).status, 200);
    let numbers = || {
        admin_json(home.path(), &["key", "list"])
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(numbers(), Some(2));
    fs::remove_dir(&unfinished).expect("it is there");
    admin(home.path(), &["key", "drop", "1", "--yes"]);
    assert_eq!(numbers(), Some(1));
    client.read(LOGIN).assert_no_such_login(LOGIN);
    let log = serving.stop().stderr;
    assert_eq!(log.matches("audit what=\"drop_key\"").count(), 1, "{log}");
}
