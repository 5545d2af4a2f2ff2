//! `rememberd export`: what comes back in by an import is the same.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::admin::import::{Home, NO_EXPIRY, assert_private, get, post};
use crate::support::fixture::{self, ADMIN, DISABLED_LOGIN, LOGIN, PROFILE, TOKEN};
use crate::support::process::{Ended, Launch};
use crate::support::server::wait_until;

const FILES: [&str; 4] = ["accesstoken", "persistentlogin", "profile", "tenant"];

pub fn export(home: &Home, name: &str, options: &[&str]) -> (PathBuf, Ended) {
    let directory = home.path(name);
    let mut launch = Launch::new(&["export", "--data-dir"]).argument(home.data());
    for option in options {
        launch = launch.argument(option);
    }
    let ended = launch
        .argument(&directory)
        .variable(NO_EXPIRY.0, NO_EXPIRY.1)
        .run();
    assert!(ended.status.success(), "{ended:?}");
    (directory, ended)
}

fn documents(directory: &Path, collection: &str) -> Vec<Value> {
    let path = directory.join(format!("{collection}.json"));
    assert_private(&path);
    let content = fs::read_to_string(path).expect("the file");
    let documents = content
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    documents.collect()
}

/// The files of a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    FILES
        .map(|name| directory.join(format!("{name}.json")))
        .into()
}

/// The fixture's seed, with a password of each kind and more than one type of attribute.
fn seed() -> Value {
    let mut seed = fixture::seed();
    // Of the password 1234.
    seed["profile"][0]["password"] =
        json!("Lz8nHBmAvNvYl/e4xNflu5PFQWcU1E0G0ENmJxJsOUQ=|fiuUbFa1Y69UnbFklzGGNQ==");
    seed["profile"][0]["email"] = json!("jdoe@example.com");
    seed["profile"][0]["roles"] = json!(["USER"]);
    seed["profile"][0]["attributes"] = json!({"a": 9_007_199_254_740_993_i64, "b": [1.5, null, {"c": "é\"\\\n"}], "d": true, "e": 1.0});
    seed["profile"][0]["createdOn"] = json!(1_495_665_332_589_i64);
    seed["profile"][0]["lastModified"] = json!(1_495_665_332_590_i64);
    let permissions = json!([{"application": "*", "allowedActions": ["*"]}]);
    let definition =
        |name: &str| json!({"name": name, "permissions": permissions, "defaultValue": {"x": [1]}});
    let definitions = ["a", "b", "d", "e"].map(definition);
    seed["tenant"][0] = json!({
        "_id": "5925a68def86951f895cf400",
        "name": "default",
        "verifyNewProfiles": true,
        "availableRoles": ["USER", "ADMIN"],
        "attributeDefinitions": definitions,
    });
    seed
}

fn filled() -> Home {
    let home = Home::new();
    home.import_all(&home.write_lines(&seed()));
    home
}

#[test]
fn an_export_comes_back_the_same_and_nobody_is_logged_out() {
    let source = filled();
    let serving = source.serve().start();
    let client = serving.client(ADMIN);
    let rotated = client.refresh_with(LOGIN, TOKEN).login();
    let path = format!("/crafter-profile/api/1/profile/{PROFILE}");
    let profile = get(&client, &path, &[]).body;
    let tenants = get(&client, "/crafter-profile/api/1/tenant/all", &[]).body;
    let new = [
        ("tenantName", "default"),
        ("username", "new"),
        ("email", "new@example.com"),
        ("enabled", "true"),
        ("password", "secret"),
    ];
    let created = post(&client, "/crafter-profile/api/1/profile/create", &new);
    assert_eq!(created.status, 200, "{}", created.body);
    // The export of a running server is that of a stopped one.
    let (running, _) = export(&source, "running", &[]);
    let log = serving.stop().stderr;
    let (own, printed) = export(&source, "own", &[]);
    for log in [&log, &printed.stderr] {
        for name in FILES {
            let audited = format!("application=\"local operator\" collection=\"{name}\"");
            let is_audited =
                |line: &&str| line.contains("audit what=\"export\"") && line.contains(&audited);
            assert_eq!(log.lines().filter(is_audited).count(), 1, "{name}: {log}");
        }
    }
    assert!(
        printed.stdout.contains("persistentlogin: 3 exported\n"),
        "{printed:?}"
    );
    assert!(
        printed.stdout.contains("has tokens in clear"),
        "{printed:?}"
    );
    for name in FILES {
        assert_eq!(documents(&own, name), documents(&running, name), "{name}");
    }
    let (mongo, printed) = export(&source, "mongo", &["--mongo"]);
    assert!(
        printed
            .stdout
            .contains("1 profiles have a password that Crafter Profile cannot verify"),
        "{printed:?}"
    );
    let passwords = fs::read_to_string(mongo.join("passwords-to-reset.txt")).expect("the list");
    assert!(passwords.ends_with("\tdefault\tnew\n"), "{passwords}");
    // There, the login of a disabled profile would be valid.
    assert!(
        printed
            .stdout
            .contains("  1 not exported: its profile is disabled\n"),
        "{printed:?}"
    );

    for (directory, is_own) in [(&own, true), (&mongo, false)] {
        let target = Home::new();
        target.import_all(&files(directory));
        let again = target.import_all(&files(directory));
        assert!(
            again.contains("profile.json: 4 read, 0 imported, 4 there already\n"),
            "{again}"
        );
        let (copy, _) = export(&target, "copy", &[]);
        for name in FILES {
            let sorted = |directory: &Path| {
                let mut found = documents(directory, name);
                // The new database has an access token of its own.
                found.retain(|document| document["application"] != "admin");
                found.retain(|document| is_own || document["_id"] != DISABLED_LOGIN);
                found.sort_by_key(|document| document["_id"].to_string());
                found
            };
            assert_eq!(sorted(&copy), sorted(&own), "{name}");
        }
        let serving = target.serve().start();
        let client = serving.client(ADMIN);
        assert_eq!(client.read(LOGIN).login(), rotated);
        assert_eq!(get(&client, &path, &[]).body, profile);
        let found: Value =
            serde_json::from_str(&get(&client, "/crafter-profile/api/1/tenant/all", &[]).body)
                .expect("JSON");
        let expected: Value = serde_json::from_str(&tenants).expect("JSON");
        assert_eq!(found, expected);
        let sign_in = |username: &str, password: &str| {
            let form = [
                ("tenantName", "default"),
                ("username", username),
                ("password", password),
            ];
            post(
                &client,
                "/crafter-profile/api/1/authentication/authenticate",
                &form,
            )
            .status
        };
        assert_eq!(
            (sign_in("jdoe", "1234"), sign_in("new", "secret")),
            (200, 200)
        );
        assert_eq!(sign_in("jdoe", "12345"), 401);
        let fresh = client.refresh_with(LOGIN, &rotated.token).login();
        assert_ne!(fresh.token, rotated.token);
        serving.stop();
    }
}

#[test]
fn the_documents_have_the_types_of_mongodb_only_if_asked_for() {
    let home = filled();
    let (mongo, _) = export(&home, "mongo", &["--mongo"]);
    let profiles = documents(&mongo, "profile");
    let profile = profiles
        .iter()
        .find(|profile| profile["_id"]["$oid"] == PROFILE);
    let profile = profile.expect("it is exported");
    assert_eq!(
        profile["createdOn"],
        json!({"$date": {"$numberLong": "1495665332589"}})
    );
    assert_eq!(
        profile["attributes"]["b"],
        json!([1.5, null, {"c": "é\"\\\n"}])
    );
    let login = &documents(&mongo, "persistentlogin")[0];
    assert_eq!(
        (&login["_id"], &login["profileId"]),
        (&json!(LOGIN), &json!(PROFILE))
    );
    assert_eq!(
        (&login["token"], &login["timestamp"]["$date"]["$numberLong"]),
        (&json!(TOKEN), &json!(fixture::NOW.as_millis().to_string()),)
    );
    let (own, _) = export(&home, "own", &[]);
    let login = &documents(&own, "persistentlogin")[0];
    assert_eq!(login["timestamp"], json!(fixture::NOW.as_millis()));
}

#[test]
fn nothing_is_left_of_an_export_for_which_there_is_no_room() {
    let home = filled();
    let serving = Launch::serve(&home.data()).start();
    let [new, empty] = ["new/deep", "empty"].map(|name| home.path(name));
    fs::create_dir(&empty).expect("it is created");
    let export = |directory: &Path| {
        Launch::new(&["export", "--data-dir"])
            .argument(home.data())
            .argument(directory)
    };
    let deep = home.path("no/../empty/deep");
    assert!(!export(&deep).limited("ulimit -f 0").run().status.success());
    assert!(empty.exists() && !home.path("no").exists());
    let mut failed = 0;
    loop {
        // A limit of the shell stands for the disk.
        let limit = format!("ulimit -f {failed}");
        let ended = export(&new).limited(&limit).run();
        if ended.status.success() {
            break;
        }
        assert!(ended.stderr.contains("File too large"), "{ended:?}");
        assert!(!home.path("new").exists(), "{ended:?}");
        assert!(!export(&empty).limited(&limit).run().status.success());
        assert_eq!(fs::read_dir(&empty).expect("it stays").count(), 0);
        failed += 1;
    }
    assert!(failed > 0, "each file fits");
    assert!(export(&empty).run().status.success());
    assert!(files(&empty).iter().all(|path| path.exists()));
    serving.stop();
}

#[test]
fn nothing_is_left_of_an_export_that_a_signal_ends() {
    let home = filled();
    let serving = home.serve().start();
    let directory = home.path("new");
    // Its requests wait.
    serving.signal(Signal::STOP);
    let exporting = Launch::new(&["export", "--data-dir"])
        .argument(home.data())
        .argument(&directory)
        .spawn();
    wait_until("the export has begun", || directory.exists());
    exporting.signal(Signal::INT);
    let ended = exporting.wait();
    serving.signal(Signal::CONT);
    assert!(ended.stderr.contains("stopped by a signal"), "{ended:?}");
    assert!(!directory.exists(), "{ended:?}");
    serving.stop();
}

#[test]
fn what_is_there_is_not_overwritten() {
    let home = filled();
    let (directory, _) = export(&home, "own", &[]);
    let again = Launch::new(&["export", "--data-dir"])
        .argument(home.data())
        .argument(&directory)
        .run();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(again.stderr.contains("it is not empty"), "{again:?}");
    let no_database = Launch::new(&["export", "--data-dir"])
        .argument(home.path("nothing"))
        .argument(home.path("new"))
        .run();
    assert_eq!(no_database.status.code(), Some(3), "{no_database:?}");
}
