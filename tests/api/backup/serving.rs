//! `rememberd backup` of a running server.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::admin::exchange;
use crate::support::fixture::PROFILE;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};

fn serve(data: &Path) -> Serving {
    Launch::serve(data).seed(DEMO_SEED).start()
}

fn command(name: &str, file: &Path, data: &Path) -> Launch {
    Launch::new(&[name])
        .argument(file)
        .argument("--data-dir")
        .argument(data)
}

#[test]
fn a_restarted_server_knows_of_the_last_backup() {
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let last_good = |serving: &Serving| {
        let ready = serving.client(DEMO_ACCESS_TOKEN).get("/health/ready").body;
        let (_, last) = ready.split_once(r#""lastGood":""#)?;
        Some(last.split('"').next().expect("there is a first").to_owned())
    };
    let assert_made = |name: &str| {
        let made = command("backup", &home.path().join(name), &data).run();
        assert_eq!(made.status.code(), Some(0), "{made:?}");
    };
    let serving = serve(&data);
    assert_eq!(last_good(&serving), None);
    assert_made("first.redb");
    let first = last_good(&serving);
    assert!(first.is_some());
    serving.stop();
    let serving = serve(&data);
    assert_eq!(last_good(&serving), first);
    serving.stop();
    // Without a server.
    fs::remove_file(data.join("rememberd.last-backup")).expect("it is there");
    assert_made("second.redb");
    let serving = serve(&data);
    assert!(last_good(&serving) >= first);
    serving.stop();
    // The clock was wrong.
    fs::write(data.join("rememberd.last-backup"), "2099-01-01T00:00:00Z").expect("it is ours");
    assert_eq!(last_good(&serve(&data)), None);
}

#[test]
fn a_backup_of_a_running_server_has_what_was_committed_before() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, file) = (home.path().join("data"), home.path().join("backup.redb"));
    let mut serving = serve(&data);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let before = client.create(PROFILE).login();
    let ended = command("backup", &file, &data).run();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    for text in ["backed up to ", "was verified", "The keys are in it"] {
        assert!(ended.stdout.contains(text), "{ended:?}");
    }
    let metadata = fs::metadata(&file).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let line = serving.wait_for_log("audit what=\"backup\"");
    let audited = format!("application=\"local operator\" file=\"{}\"", file.display());
    assert!(line.contains(&audited), "{line}");
    serving.wait_for_log("a backup was made");
    let ready = client.get("/health/ready").body;
    assert!(ready.contains(r#""backup":{"lastGood":"#), "{ready}");
    let after = client.create(PROFILE).login();

    let other = home.path().join("other");
    let restored = command("restore", &file, &other).run();
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    for text in [
        "Logins that were ended since the backup",
        "Access tokens that were revoked, users that were disabled or deleted, passwords that were changed and keys",
    ] {
        assert!(restored.stdout.contains(text), "{restored:?}");
    }
    let restored = serve(&other);
    let client = restored.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&before.id).login().token, before.token);
    client.read(&after.id).assert_no_such_login(&after.id);
    restored.stop();
    serving.stop();
}

#[test]
fn what_is_refused_is_said_and_leaves_nothing() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, file) = (home.path().join("data"), home.path().join("backup.redb"));
    let serving = serve(&data);
    fs::write(&file, "something else").expect("it is written");
    let refused = command("backup", &file, &data).run();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(fs::read(&file).expect("it is there"), b"something else");
    let forced = command("backup", &file, &data).argument("--force").run();
    assert_eq!(forced.status.code(), Some(0), "{forced:?}");
    let nowhere = command("backup", &home.path().join("no/where"), &data).run();
    assert_eq!(nowhere.status.code(), Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("no such directory"), "{nowhere:?}");
    let names = fs::read_dir(home.path()).expect("a directory").count();
    assert_eq!(names, 2);

    let relative = "POST /admin/1/backup?file=backup.redb HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                    Content-Length: 0\r\n\r\n";
    let response = exchange(&data, relative);
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    assert!(response.contains("the path must be absolute"), "{response}");
    let unknown = "GET /admin/1/backup/77 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let response = exchange(&data, unknown);
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    serving.stop();
}

#[test]
fn a_backup_does_not_take_the_place_of_the_database_or_of_its_keys() {
    let home = TempDir::new().expect("a temporary directory");
    let path = |name: &str| home.path().join(name);
    let (data, keys, link) = (path("data"), path("real.keys"), path("linked.keys"));
    let serve = |key_file: &Path| {
        Launch::serve(&data)
            .seed(DEMO_SEED)
            .argument("--key-file")
            .argument(key_file)
            .start()
    };
    serve(&keys).stop();
    symlink(&keys, &link).expect("it is created");
    symlink(&data, path("alias")).expect("it is created");
    let database = data.join("rememberd.redb");
    let identity = |path: &Path| fs::metadata(path).expect("it is there").ino();
    let state = || {
        let names = fs::read_dir(home.path()).expect("a directory").count();
        (identity(&database), identity(&keys), names)
    };
    let assert_refused = |target: &Path, expected: &str| {
        let before = state();
        let refused = command("backup", target, &data)
            .argument("--force")
            .argument("--key-file")
            .argument(&link)
            .run();
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
        assert_eq!(state(), before);
    };
    let assert_all_refused = || {
        for name in [
            "data/rememberd.redb",
            "alias/rememberd.redb",
            "data/new.redb",
        ] {
            assert_refused(&path(name), "cannot be in the data directory");
        }
        assert_refused(&keys, "it is the key file");
        assert!(!data.join("new.redb").exists());
    };
    let serving = serve(&link);
    assert_all_refused();
    serving.stop();
    assert_all_refused();
    let moved = path("moved.redb");
    fs::rename(&database, &moved).expect("it is there");
    symlink(&moved, &database).expect("it is created");
    assert_refused(&moved, "it is the database itself");
    let serving = serve(&link);
    assert_refused(&moved, "it is the database itself");
    serving.stop();
}
