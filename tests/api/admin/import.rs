//! `rememberd import`: what is taken in, and what is reported.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admin::{admin, admin_json, assert_code};
use crate::support::client::{Client, Response};
use crate::support::fixture::{self, ADMIN, LOGIN, PROFILE, TOKEN};
use crate::support::process::{DEMO_ACCESS_TOKEN, Ended, Launch};
use crate::support::server::PATIENCE;

/// A login that is old is not to expire.
pub const NO_EXPIRY: (&str, &str) = ("REMEMBERD_PERSISTENT_LOGIN_MAX_AGE", "90years");

/// A directory with a database, and files beside it.
pub struct Home(TempDir);

impl Home {
    /// With a database that has a tenant `default` and an access token.
    pub fn new() -> Self {
        let home = Self(TempDir::new().expect("a temporary directory"));
        let created = Launch::new(&["init", "--data-dir"])
            .argument(home.data())
            .run();
        assert!(created.status.success(), "{created:?}");
        home
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl ToString) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content.to_string()).expect("a file");
        path
    }

    /// Writes what mongoexport writes of each list: documents as lines.
    pub fn write_lines(&self, seed: &Value) -> Vec<PathBuf> {
        let lists = seed.as_object().expect("lists of documents");
        let files = lists.iter().map(|(name, documents)| {
            let documents = documents.as_array().expect("a list");
            let lines: Vec<_> = documents.iter().map(Value::to_string).collect();
            self.write(&format!("{name}.json"), lines.join("\n"))
        });
        files.collect()
    }

    pub fn import(&self, files: &[PathBuf], options: &[&str]) -> Ended {
        let mut launch = Launch::new(&["import", "--data-dir"]).argument(self.data());
        for argument in options {
            launch = launch.argument(argument);
        }
        for file in files {
            launch = launch.argument(file);
        }
        launch.variable(NO_EXPIRY.0, NO_EXPIRY.1).run()
    }

    /// Imports files whose documents are all new, or there already.
    #[track_caller]
    pub fn import_all(&self, files: &[PathBuf]) -> String {
        let imported = self.import(files, &[]);
        assert!(imported.status.success(), "{imported:?}");
        imported.stdout
    }

    pub fn serve(&self) -> Launch {
        Launch::serve(&self.data()).variable(NO_EXPIRY.0, NO_EXPIRY.1)
    }
}

/// The fixture's seed in extended JSON, canonical or relaxed.
fn extended(is_canonical: bool) -> Value {
    let mut seed = fixture::seed();
    let oid = |value: &mut Value| *value = json!({"$oid": value.take()});
    let date = |value: &mut Value| {
        let millis = value.take();
        *value = if is_canonical {
            json!({"$date": {"$numberLong": millis.to_string()}})
        } else {
            // That of the fixture.
            json!({"$date": "2017-05-24T22:35:32.589Z"})
        };
    };
    let documents = |list: &Value| list.as_array().expect("a list").len();
    for at in 0..documents(&seed["profile"]) {
        let profile = &mut seed["profile"][at];
        oid(&mut profile["_id"]);
        profile["failedLoginAttempts"] = if is_canonical {
            json!({"$numberInt": "0"})
        } else {
            json!(0)
        };
        profile["attributes"] = json!({"age": profile["failedLoginAttempts"]});
    }
    for at in 0..documents(&seed["tenant"]) {
        let number = format!("5925a68def86951f895cf4a{at}");
        seed["tenant"][at]["_id"] = json!({"$oid": number});
        let definition = json!({
            "name": "age",
            "permissions": [{"application": "*", "allowedActions": ["*"]}],
        });
        seed["tenant"][at]["attributeDefinitions"] = json!([definition]);
    }
    for at in 0..documents(&seed["persistentlogin"]) {
        date(&mut seed["persistentlogin"][at]["timestamp"]);
    }
    seed
}

/// GET a path with the client's access token.
pub fn get(client: &Client, path: &str, parameters: &[(&str, &str)]) -> Response {
    client.get(&format!("{path}?{}", client.encode(parameters)))
}

/// POST these parameters with the client's access token.
pub fn post(client: &Client, path: &str, parameters: &[(&str, &str)]) -> Response {
    client.post(path, &client.encode(parameters))
}

/// That the server has what the fixture has.
fn assert_served(home: &Home) {
    let serving = home.serve().start();
    let client = serving.client(ADMIN);
    assert_eq!(client.read(LOGIN).login(), fixture::first_login());
    let fresh = client.refresh_with(LOGIN, TOKEN).login();
    assert_ne!(fresh.token, TOKEN);
    let profile = get(&client, &format!("/api/1/profile/{PROFILE}"), &[]);
    assert!(
        profile.body.contains(r#""attributes":{"age":0}"#),
        "{}",
        profile.body
    );
    serving.stop();
}

#[test]
fn lines_and_lists_relaxed_and_canonical_are_taken() {
    for (is_canonical, is_list) in [(false, false), (true, true)] {
        let home = Home::new();
        let seed = extended(is_canonical);
        let files: Vec<_> = if is_list {
            let lists = seed.as_object().expect("lists");
            let files = lists.iter();
            files
                .map(|(name, list)| home.write(&format!("crafterprofile.{name}.json"), list))
                .collect()
        } else {
            home.write_lines(&seed)
        };
        let printed = home.import_all(&files);
        for expected in [
            "tenant.json: 2 read, 2 imported\n",
            "profile.json: 3 read, 3 imported\n",
            "persistentlogin.json: 3 read, 3 imported\n",
            "accesstoken.json: 11 read, 11 imported\n",
        ] {
            assert!(printed.contains(expected), "{printed}");
        }
        let again = home.import_all(&files);
        assert!(
            again.contains("persistentlogin.json: 3 read, 0 imported, 3 there already\n"),
            "{again}"
        );
        assert!(
            again.contains("accesstoken.json: 11 read, 0 imported, 11 there already\n"),
            "{again}"
        );
        assert_served(&home);
        // It was rotated here.
        let later = home.import_all(&files);
        let expected = "3 read, 0 imported, 2 there already, 1 there already and changed since\n";
        assert!(later.contains(expected), "{later}");
        let serving = home.serve().start();
        assert_ne!(serving.client(ADMIN).read(LOGIN).login().token, TOKEN);
        serving.stop();
    }
}

#[test]
fn a_running_server_takes_documents_too() {
    let home = Home::new();
    let files = home.write_lines(&extended(false));
    let mut serving = home.serve().start();
    let id = serving.first_token();
    home.import_all(&files);
    assert_eq!(
        serving.client(ADMIN).read(LOGIN).login(),
        fixture::first_login()
    );
    assert_eq!(
        serving.client(&id).read(LOGIN).login(),
        fixture::first_login()
    );
    let stats = admin_json(&home.data(), &["stats"]);
    assert_eq!(
        (&stats["profiles"], &stats["persistentLogins"]),
        (&json!(3), &json!(3))
    );
    serving.stop();
}

#[test]
fn what_is_skipped_is_reported_with_the_reason() {
    let home = Home::new();
    let mut seed = extended(false);
    let imported = home.import(&home.write_lines(&seed), &[]);
    assert!(imported.status.success(), "{imported:?}");
    let other = |id: &str, username: &str, tenant: &str| json!({"_id": {"$oid": id}, "username": username, "enabled": true, "tenant": tenant});
    seed["profile"] = json!([
        other(PROFILE, "jdoe", "default"),
        other("5925a68def86951f895cf401", "jdoe", "default"),
        other("5925a68def86951f895cf402", "new", "gone"),
        {"_id": "5925a68def86951f895cf403", "username": "new", "tenant": "default", "avatar": 1},
        other("no-id", "new", "default"),
        {"username": "new", "enabled": true, "tenant": "default"},
        {"_id": "5925a68def86951f895cf405", "username": "a", "enabled": true, "tenant": "default", "avatar": 1,
         "\u{1B}[2J\u{9B}": 1},
    ]);
    let login = |token: &str, profile: &str, tenant: &str| {
        json!({"_id": LOGIN, "token": token, "tenant": tenant, "profileId": profile,
               "timestamp": fixture::NOW.as_millis()})
    };
    let mut gone = login(TOKEN, fixture::NO_PROFILE, "default");
    gone["_id"] = json!(fixture::NO_LOGIN);
    let mut elsewhere = login(TOKEN, PROFILE, "acme.com");
    elsewhere["_id"] = json!(fixture::NO_LOGIN);
    seed["persistentlogin"] = json!([login(LOGIN, PROFILE, "default"), gone, elsewhere]);
    let files = home.write_lines(
        &json!({"profile": seed["profile"], "persistentlogin": seed["persistentlogin"]}),
    );
    let report = home.path("report.jsonl");
    let report_option = format!("--report={}", report.display());
    for options in [
        ["--dry-run", "--timeout=30s"],
        [&*report_option, "--timeout=30s"],
    ] {
        let imported = home.import(&files, &options);
        assert_eq!(imported.status.code(), Some(1), "{imported:?}");
        for expected in [
            "  1 skipped: _id: it is there already, with other content, which stays (document 1)\n",
            "  1 skipped: username: another profile of the tenant has it (document 2)\n",
            "  1 skipped: tenant: there is no such tenant (document 3)\n",
            "  1 skipped: the field `enabled` is missing (document 4)\n",
            "  1 skipped: _id: it is not 24 hexadecimal digits (document 5)\n",
            "  1 skipped: _id: it is missing (document 6)\n",
            "  left out: the field profile.avatar, in 2 documents\n",
            "  left out: the field profile.\\u{1b}[2J\\u{9b}, in 1 documents\n",
            "  1 skipped: profileId: there is no such profile (document 2)\n",
            "  1 skipped: tenant: the profile belongs to another tenant (document 3)\n",
        ] {
            assert!(
                imported.stdout.contains(expected),
                "{expected}: {}",
                imported.stdout
            );
        }
        let is_dry_run = options[0] == "--dry-run";
        let done = if is_dry_run {
            "1 would be imported"
        } else {
            "1 imported"
        };
        assert!(imported.stdout.contains(done), "{imported:?}");
    }
    let report = fs::read_to_string(report).expect("the report");
    assert_eq!(report.lines().count(), 9, "{report}");
    let first = report.lines().next().expect("a line");
    let first: Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(first["document"], 1);
    assert!(!report.contains(TOKEN));
    assert_served(&home);
}

#[test]
fn what_is_skipped_in_a_long_file_has_its_number_in_order() {
    const COUNT: usize = 4_000;
    let home = Home::new();
    let text = "x".repeat(4_000);
    let skipped: Vec<_> = (1..=COUNT)
        .filter(|number| number.is_multiple_of(7))
        .collect();
    let profile = |number: usize| {
        let tenant = if number.is_multiple_of(7) {
            "none"
        } else {
            "default"
        };
        json!({"_id": format!("5925a68def86951f89{number:06x}"), "username": format!("u{number}"), "enabled": true,
               "tenant": tenant, "attributes": {"text": text}})
    };
    let profiles: Vec<_> = (1..=COUNT).map(profile).collect();
    let files = home.write_lines(&json!({"profile": profiles}));
    let report = home.path("report.jsonl");
    let options = [&*format!("--report={}", report.display())];
    let assert_report = |ended: &Ended, counts: &str| {
        assert_code(ended, 1);
        let expected = format!("{COUNT} read, {counts}");
        assert!(ended.stdout.contains(&expected), "{ended:?}");
        let lines = fs::read_to_string(&report).expect("the report");
        let numbers = lines.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            line["document"].as_u64().expect("a number") as usize
        });
        assert_eq!(Vec::from_iter(numbers), skipped);
    };
    let (created, left) = (COUNT - skipped.len(), skipped.len());
    // With the server of another process, and with its own, which takes more at once.
    let serving = home.serve().start();
    let imported = home.import(&files, &options);
    assert_report(&imported, &format!("{created} imported, {left} skipped"));
    serving.stop();
    let again = home.import(&files, &options);
    let counts = format!("0 imported, {created} there already, {left} skipped");
    assert_report(&again, &counts);
}

#[test]
fn of_documents_in_one_file_that_exclude_each_other_one_is_imported() {
    let home = Home::new();
    let profile = |id: &str, username: &str, email: &str| {
        json!({"_id": id, "username": username, "email": email, "enabled": true, "tenant": "default",
               "createdOn": 1, "lastModified": 1})
    };
    let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(24));
    let login = |profile: &str, token: &str| {
        json!({"_id": LOGIN, "profileId": profile, "tenant": "default", "token": token,
               "timestamp": fixture::NOW.as_millis()})
    };
    let tenant = |id: &str, name: &str| json!({"_id": id, "name": name, "availableRoles": ["a"]});
    let files = home.write_lines(&json!({
        "tenant": [tenant(&a, "one"), tenant(&b, "one"), tenant(&a, "other"), tenant(&a, "one")],
        "profile": [
            profile(&a, "a", "a@a"), profile(&b, "b", ""), profile(&c, "b", ""),
            profile(&a, "a", "a@a"), profile(&a, "other", "a@a"),
        ],
        "persistentlogin": [login(&a, TOKEN), login(&b, TOKEN), login(&a, TOKEN), login(&a, LOGIN)],
    }));
    let imported = home.import(&files, &[]);
    assert_eq!(imported.status.code(), Some(1), "{imported:?}");
    for expected in [
        "name: there is such a tenant already, with another _id, which stays (document 2)",
        "_id: it is there already, with other content, which stays (document 3)",
        "2 imported",
        "username: another profile of the tenant has it (document 3)",
        "_id: it is there already, with other content, which stays (document 5)",
        "1 imported",
        "2 skipped: _id: it is there already, with other content, which stays (document 2, 4)",
    ] {
        assert!(
            imported.stdout.contains(expected),
            "{expected}: {}",
            imported.stdout
        );
    }
    assert_eq!(
        imported.stdout.matches(" 1 there already").count(),
        3,
        "{imported:?}"
    );
}

/// A tenant of so many profiles, each with a login, that their removal takes a while.
fn many(count: usize) -> Value {
    let id = |number: usize| format!("5925a68def86951f89{number:06x}");
    let uuid = |number: usize| format!("b68c0013-d7b2-4004-8463-{number:012x}");
    let profile = |number: usize| {
        json!({"_id": id(number), "username": id(number), "enabled": true, "tenant": "many",
               "createdOn": 1, "lastModified": 1})
    };
    let login = |number: usize| {
        json!({"_id": uuid(number), "profileId": id(number), "tenant": "many", "token": uuid(number),
               "timestamp": fixture::NOW.as_millis()})
    };
    json!({
        "tenant": [{"name": "many", "_id": id(count)}],
        "profile": (0..count).map(profile).collect::<Vec<_>>(),
        "persistentlogin": (0..count).map(login).collect::<Vec<_>>(),
    })
}

#[test]
fn what_is_still_being_removed_is_not_imported_until_it_is() {
    const COUNT: usize = 400;
    let home = Home::new();
    let files = home.write_lines(&many(COUNT));
    let mut serving = home.serve().argument("--cleaner-batch-max=8").start();
    let id = serving.first_token();
    home.import_all(&files);
    admin(&home.data(), &["tenant", "delete", "many", "--yes"]);
    let first = home.import(&files, &[]);
    assert_code(&first, 1);
    let expected =
        "_id: it was deleted here, which a running server has not completed yet; import it again";
    assert!(first.stdout.contains(expected), "{first:?}");
    let client = serving.client(&id);
    let count = || -> usize {
        let counted = get(&client, "/api/1/profile/count", &[("tenantName", "many")]);
        counted.body.parse().expect("a number")
    };
    // What is reported as imported is there.
    let line = first
        .stdout
        .lines()
        .find(|line| line.contains("profile.json"));
    let imported = line.and_then(|line| line.split(", ").nth(1)?.split(' ').next()?.parse().ok());
    assert_eq!(Some(count()), imported, "{first:?}");
    let began = Instant::now();
    while home.import(&files, &[]).status.code() != Some(0) {
        assert!(began.elapsed() < PATIENCE);
    }
    serving.wait_for_log("removed the profiles of deleted tenants");
    assert_eq!(count(), COUNT);
    for number in 0..COUNT {
        let id = format!("b68c0013-d7b2-4004-8463-{number:012x}");
        assert_eq!(client.read(&id).login().id, id);
    }
    serving.stop();
}

#[test]
fn a_document_that_is_longer_than_what_a_server_takes_is_refused() {
    let home = Home::new();
    let mut seed = many(1);
    seed["profile"][0]["attributes"] = json!({"text": "x".repeat(19 << 20)});
    let files = home.write_lines(&seed);
    let serving = home.serve().start();
    let refused = home.import(&files, &[]);
    assert_code(&refused, 2);
    assert!(
        refused.stderr.contains("a document is longer than 18 MiB"),
        "{refused:?}"
    );
    assert!(
        refused.stdout.contains("tenant.json: 1 read, 1 imported"),
        "{refused:?}"
    );
    serving.stop();
}

#[test]
fn a_file_that_is_cut_off_is_refused_and_the_whole_one_completes_it() {
    let home = Home::new();
    let seed = extended(false);
    home.import_all(&home.write_lines(&json!({"tenant": seed["tenant"]})));
    let whole = seed["profile"].to_string();
    let cut = home.write("profile.json", &whole[..whole.len() - 1]);
    let ended = home.import(std::slice::from_ref(&cut), &[]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("the file ends within its list"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("3 read, 3 imported"), "{ended:?}");
    home.write("profile.json", &whole);
    let printed = home.import_all(&[cut]);
    assert!(
        printed.contains("3 read, 0 imported, 3 there already"),
        "{printed}"
    );
}

#[test]
fn a_file_to_import_is_not_emptied_for_the_report() {
    let home = Home::new();
    let content = r#"{"name": "default"}"#;
    let file = home.write("tenant.json", content);
    let link = home.path("report.jsonl");
    fs::hard_link(&file, &link).expect("a link");
    for report in [&file, &link] {
        let option = format!("--report={}", report.display());
        let refused = home.import(std::slice::from_ref(&file), &[&option]);
        assert_code(&refused, 2);
        assert!(
            refused.stderr.contains("the file is to be imported"),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&file).expect("it is there"), content);
    }
}

#[test]
fn a_file_of_the_database_is_not_emptied_for_the_report() {
    let home = Home::new();
    let files = home.write_lines(&extended(false));
    home.import_all(&files);
    for name in ["rememberd.redb", "rememberd.keys", "new.jsonl"] {
        let report = format!("--report={}", home.data().join(name).display());
        let refused = home.import(&files, &[&report]);
        assert_code(&refused, 2);
        assert!(
            refused
                .stderr
                .contains("it cannot be in the data directory"),
            "{refused:?}"
        );
    }
    assert_served(&home);
}

#[test]
fn what_is_no_file_is_refused_as_such_whatever_its_name_is() {
    let home = Home::new();
    let directory = TempDir::new().expect("a temporary directory");
    let missing = directory.path().join("dump");
    for (path, expected) in [
        (directory.path(), "it is a directory"),
        (&missing, "No such file or directory"),
    ] {
        let ended = home.import(&[path.to_owned()], &[]);
        assert_code(&ended, 2);
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
}

#[test]
fn a_file_of_no_collection_is_refused_unless_it_is_named() {
    let home = Home::new();
    let file = home.write("people.json", r#"{"name": "default"}"#);
    let files = [file];
    let ended = home.import(&files, &[]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--collection names it"), "{ended:?}");
    let ended = home.import(&files, &["--collection=users"]);
    assert!(
        ended
            .stderr
            .contains("the collections are tenant, profile, "),
        "{ended:?}"
    );
    let ended = home.import(&files, &["--collection=tenant"]);
    assert!(ended.status.success(), "{ended:?}");
    let attachments = home.write("fs.files.json", "{}\n{}");
    let ended = home.import(&[attachments], &[]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let expected =
        "  2 skipped: attachments are not taken over; upload them again (document 1, 2)\n";
    assert!(ended.stdout.contains(expected), "{ended:?}");
}

#[test]
fn a_secret_that_everybody_knows_is_a_warning_or_not_taken_where_other_hosts_can_use_it() {
    let home = Home::new();
    let token = json!({"_id": DEMO_ACCESS_TOKEN, "application": "console", "master": true});
    let files = [home.write("accesstoken.json", token)];
    let everywhere = home.serve().argument("--listen=0.0.0.0:0").start();
    let refused = home.import(&files, &[]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        refused.stdout.contains("other hosts can reach this server"),
        "{refused:?}"
    );
    everywhere.stop();
    let printed = home.import_all(&files);
    let warning = "  warning: document 1: _id: everybody knows this access token, of the application \"console\"";
    assert!(printed.contains(warning), "{printed}");
    assert!(!printed.contains(DEMO_ACCESS_TOKEN), "{printed}");
    let other = Home::new();
    let mut serving = other.serve().start();
    other.import_all(&files);
    serving.wait_for_log("imported accesstoken: _id: everybody knows this access token");
    // The same once more changes nothing.
    other.import_all(&files);
    let log = serving.stop().stderr;
    let audited = "application=\"local operator\" collection=\"accesstoken\" count=1 request_id=";
    let is_audited = |line: &&str| line.contains("audit what=\"import\"") && line.contains(audited);
    assert_eq!(log.lines().filter(is_audited).count(), 1, "{log}");
    assert_eq!(log.matches("everybody knows").count(), 1, "{log}");
}

/// Whether a path exists whose file only its owner can read.
#[track_caller]
pub fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).expect("it exists").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{}", path.display());
}
