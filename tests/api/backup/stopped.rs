//! `rememberd backup`, `rememberd restore` and `rememberd compact`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::fixture::PROFILE;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Ended, Launch, Serving};

/// How many bytes a page of the database has.
const PAGE: usize = 4_096;

/// A data directory with a login, and room for backups beside it.
struct Case {
    home: TempDir,
    data: PathBuf,
    backup: PathBuf,
    id: String,
    token: String,
}

impl Case {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let (data, backup) = (home.path().join("data"), home.path().join("backup.redb"));
        let serving = serve(&data);
        let login = serving.client(DEMO_ACCESS_TOKEN).create(PROFILE).login();
        serving.stop();
        Self {
            home,
            data,
            backup,
            id: login.id,
            token: login.token,
        }
    }

    fn database(&self) -> PathBuf {
        self.data.join("rememberd.redb")
    }

    #[track_caller]
    fn back_up(&self) -> Ended {
        let ended = backup(&self.data, &self.backup).run();
        assert_code(&ended, 0);
        ended
    }

    /// Asserts that a server on `data` has the login with its token.
    #[track_caller]
    fn assert_served_by(&self, data: &Path) {
        let serving = serve(data);
        let client = serving.client(DEMO_ACCESS_TOKEN);
        assert_eq!(client.read(&self.id).login().token, self.token);
        serving.stop();
    }
}

fn serve(data: &Path) -> Serving {
    Launch::serve(data).seed(DEMO_SEED).start()
}

fn backup(data: &Path, file: &Path) -> Launch {
    Launch::new(&["backup"])
        .argument(file)
        .argument("--data-dir")
        .argument(data)
}

fn restore(file: &Path, data: &Path) -> Launch {
    Launch::new(&["restore"])
        .argument(file)
        .argument("--data-dir")
        .argument(data)
}

fn check(path: &Path) -> Ended {
    Launch::new(&["check"]).argument(path).run()
}

#[track_caller]
fn assert_code(ended: &Ended, code: i32) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
}

#[track_caller]
fn assert_refused(launch: Launch, expected: &str) {
    let ended = launch.run();
    assert_code(&ended, 2);
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("it is there").ino()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_one_verified_file_and_restores_into_an_empty_directory() {
    let case = Case::new();
    let before = fs::read(case.database()).expect("it is there");
    let ended = case.back_up();
    for text in ["backed up to ", "was verified", "The keys are in it"] {
        assert!(ended.stdout.contains(text), "{ended:?}");
    }
    assert_eq!(ended.stderr, "");
    assert_eq!(fs::read(case.database()).expect("it is there"), before);
    let metadata = fs::metadata(&case.backup).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(names(case.home.path()), ["backup.redb", "data"]);
    let checked = check(&case.backup);
    assert_code(&checked, 0);
    assert!(checked.stdout.contains("  backup "), "{checked:?}");

    let other = case.home.path().join("other");
    let ended = restore(&case.backup, &other).run();
    assert_code(&ended, 0);
    for text in ["a backup of", "ended since the backup", "newer cookie"] {
        assert!(ended.stdout.contains(text), "{ended:?}");
    }
    assert!(!ended.stdout.contains("former"), "{ended:?}");
    let keys = |data: &Path| fs::read(data.join("rememberd.keys")).expect("they are there");
    assert_eq!(keys(&other), keys(&case.data));
    let checked = check(&other);
    assert_code(&checked, 0);
    assert!(!checked.stdout.contains("  backup "), "{checked:?}");
    case.assert_served_by(&other);
    let secret = String::from_utf8(keys(&other)).expect("it is text");
    for line in secret.lines().filter(|line| !line.starts_with('#')) {
        assert!(!ended.stdout.contains(line), "{ended:?}");
    }
}

#[test]
fn a_file_is_replaced_only_where_that_is_asked_for() {
    let case = Case::new();
    fs::write(&case.backup, "something else").expect("it is written");
    assert_refused(backup(&case.data, &case.backup), "--force");
    assert_refused(backup(&case.data, &case.data), "it is a directory");
    assert_eq!(
        fs::read(&case.backup).expect("it is there"),
        b"something else"
    );
    let forced = backup(&case.data, &case.backup).argument("--force").run();
    assert_code(&forced, 0);
    assert_code(&check(&case.backup), 0);
    assert_refused(
        backup(&case.data, &case.home.path().join("no/where")),
        "there is no such directory",
    );
    assert_refused(
        backup(
            &case.home.path().join("nothing"),
            &case.home.path().join("x"),
        ),
        "No such file",
    );
}

#[test]
fn a_backup_that_does_not_fit_leaves_nothing() {
    let case = Case::new();
    // A limit of the shell stands for the disk.
    assert_refused(
        backup(&case.data, &case.backup).limited("ulimit -f 40"),
        "File too large",
    );
    assert_eq!(names(case.home.path()), ["data"]);
    case.back_up();
}

#[test]
fn a_restore_that_does_not_fit_leaves_a_directory_as_it_was() {
    let case = Case::new();
    case.back_up();
    let other = case.home.path().join("other");
    let assert_does_not_fit = || {
        // A limit of the shell stands for the disk.
        let launch = restore(&case.backup, &other).limited("ulimit -f 40");
        assert_refused(launch, "File too large");
    };
    assert_does_not_fit();
    assert!(!other.exists());
    fs::create_dir(&other).expect("it is created");
    assert_does_not_fit();
    assert_eq!(names(&other), [""; 0]);
    serve(&other).stop();
    // Of a database that is lost the marker stays.
    fs::remove_file(other.join("rememberd.redb")).expect("it is there");
    assert_does_not_fit();
    let refused = Launch::serve(&other).assert_fails();
    assert!(refused.contains("it held a database"), "{refused}");
    assert_code(&restore(&case.backup, &other).run(), 0);
    case.assert_served_by(&other);
}

#[test]
fn what_panics_the_library_is_refused_in_a_line() {
    let case = Case::new();
    case.back_up();
    let backup = fs::read(&case.backup).expect("it is there");
    let (damaged, other) = (
        case.home.path().join("damaged"),
        case.home.path().join("other"),
    );
    let mut panics = 0;
    for page in 0..backup.len() / PAGE {
        let mut bytes = backup.clone();
        bytes[page * PAGE..][..64].fill(0xFF);
        fs::write(&damaged, &bytes).expect("it is written");
        let ended = restore(&damaged, &other).run();
        if ended.status.success() {
            fs::remove_dir_all(&other).expect("it is there");
            continue;
        }
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        if !ended.stderr.contains("panicked") {
            continue;
        }
        panics += 1;
        let checked = Launch::new(&["check"]).argument(&damaged).run();
        assert!(checked.stderr.lines().count() <= 1, "{checked:?}");
    }
    assert!(panics > 0, "no page is one that the library panics over");
}

#[test]
fn a_database_that_was_killed_is_backed_up_without_being_changed() {
    let case = Case::new();
    let serving = serve(&case.data);
    let login = serving.client(DEMO_ACCESS_TOKEN).create(PROFILE).login();
    drop(serving);
    let before = fs::read(case.database()).expect("it is there");
    case.back_up();
    assert_eq!(fs::read(case.database()).expect("it is there"), before);
    let other = case.home.path().join("other");
    assert_code(&restore(&case.backup, &other).run(), 0);
    let serving = serve(&other);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&login.id).login().token, login.token);
}

#[test]
fn keys_that_are_elsewhere_are_not_in_it_and_are_asked_for() {
    let case = Case::new();
    let keys = case.home.path().join("elsewhere.keys");
    fs::rename(case.data.join("rememberd.keys"), &keys).expect("it is there");
    let ended = backup(&case.data, &case.backup)
        .argument("--key-file")
        .argument(&keys)
        .run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("The keys are not in it"), "{ended:?}");
    let without = backup(&case.data, &case.backup).argument("--force").run();
    assert_code(&without, 1);
    assert!(without.stdout.contains("Key 1, which"), "{without:?}");

    let other = case.home.path().join("other");
    let ended = restore(&case.backup, &other).run();
    assert_code(&ended, 1);
    assert!(ended.stdout.contains("restore that file too"), "{ended:?}");
    let ended = restore(&case.backup, &other)
        .argument("--key-file")
        .argument(&keys)
        .run();
    assert_code(&ended, 0);
    assert!(!other.join("rememberd.keys").exists());
    let serving = Launch::serve(&other)
        .argument("--key-file")
        .argument(&keys)
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&case.id).login().token, case.token);
}

#[test]
fn a_restore_keeps_the_former_database_and_its_keys() {
    let case = Case::new();
    case.back_up();
    let other = case.home.path().join("other");
    let serving = serve(&other);
    let login = serving.client(DEMO_ACCESS_TOKEN).create(PROFILE).login();
    serving.stop();
    let former_keys = fs::read(other.join("rememberd.keys")).expect("they are there");
    let former = fs::read(other.join("rememberd.redb")).expect("it is there");
    let ended = restore(&case.backup, &other).run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("which had others"), "{ended:?}");
    case.assert_served_by(&other);
    let names = names(&other);
    let kept = names
        .iter()
        .find(|name| name.starts_with("rememberd.redb.2"))
        .unwrap_or_else(|| panic!("{names:?}"));
    assert!(ended.stdout.contains(kept.as_str()), "{ended:?}");
    assert_eq!(fs::read(other.join(kept)).expect("it is there"), former);
    let keys = other.join("rememberd.keys.replaced");
    assert_eq!(fs::read(&keys).expect("it is there"), former_keys);

    // The former database is one to restore, too.
    let again = case.home.path().join("again");
    let ended = restore(&other.join(kept), &again)
        .argument("--key-file")
        .argument(&keys)
        .run();
    assert_code(&ended, 0);
    assert!(!ended.stdout.contains("a backup of"), "{ended:?}");
    let serving = Launch::serve(&again)
        .argument("--key-file")
        .argument(&keys)
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&login.id).login().token, login.token);
}

#[test]
fn keys_that_were_added_since_the_backup_stay() {
    let case = Case::new();
    case.back_up();
    let rotated = Launch::new(&["key", "rotate", "--data-dir"])
        .argument(&case.data)
        .run();
    assert_code(&rotated, 0);
    let keys = fs::read(case.data.join("rememberd.keys")).expect("they are there");
    let ended = restore(&case.backup, &case.data).run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("already"), "{ended:?}");
    let found = fs::read(case.data.join("rememberd.keys")).expect("they are there");
    assert_eq!(found, keys);
    case.assert_served_by(&case.data);
}

#[test]
fn keys_that_go_elsewhere_are_in_the_database_file_until_it_is_compacted() {
    let case = Case::new();
    case.back_up();
    let in_directory = restore(&case.backup, &case.home.path().join("whole")).run();
    assert!(!in_directory.stdout.contains("compact"), "{in_directory:?}");
    let other = case.home.path().join("other");
    let keys = case.home.path().join("elsewhere.keys");
    let ended = restore(&case.backup, &other)
        .argument("--key-file")
        .argument(&keys)
        .run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("rememberd compact"), "{ended:?}");
    let text = fs::read_to_string(&keys).expect("they are there");
    let key = text.lines().find_map(|line| line.strip_prefix("1 "));
    let key = key.expect("it has a key").as_bytes();
    let has_key = || {
        let bytes = fs::read(other.join("rememberd.redb")).expect("it is there");
        bytes.windows(key.len()).any(|window| window == key)
    };
    assert!(has_key());
    let compact = Launch::new(&["compact", "--data-dir"]).argument(&other);
    assert_code(&compact.run(), 0);
    assert!(!has_key());
}

#[test]
fn a_key_file_that_is_none_is_refused_before_the_database_is_replaced() {
    let case = Case::new();
    case.back_up();
    let keys = case.data.join("rememberd.keys");
    fs::write(&keys, "1 not a key").expect("it is written");
    let (before, identity) = (names(&case.data), inode(&case.database()));
    assert_refused(restore(&case.backup, &case.data), "rememberd.keys: line 1");
    assert_eq!(
        (names(&case.data), inode(&case.database())),
        (before, identity)
    );
    let other = case.home.path().join("other");
    let launch = restore(&case.backup, &other).argument("--key-file");
    assert_refused(launch.argument(&keys), "rememberd.keys: line 1");
    assert!(!other.exists());
}

#[test]
fn keys_that_cannot_be_added_by_a_restore_are_added_by_the_next_start() {
    let case = Case::new();
    case.back_up();
    let other = case.home.path().join("other");
    serve(&other).stop();
    let former = inode(&other.join("rememberd.redb"));
    // The key file has others, and cannot be written.
    let in_the_way = other.join("rememberd.keys.unfinished");
    fs::create_dir(&in_the_way).expect("it is created");
    let ended = restore(&case.backup, &other).run();
    assert_code(&ended, 1);
    for text in ["was replaced", "next start", "the former database is"] {
        assert!(ended.stderr.contains(text), "{ended:?}");
    }
    let found = names(&other);
    let kept = found
        .iter()
        .find(|name| name.starts_with("rememberd.redb.2"))
        .unwrap_or_else(|| panic!("{found:?}"));
    assert!(ended.stderr.contains(kept.as_str()), "{ended:?}");
    assert_eq!(inode(&other.join(kept)), former);
    assert!(!other.join("rememberd.keys.replaced").exists(), "{found:?}");
    fs::remove_dir(&in_the_way).expect("it is empty");
    case.assert_served_by(&other);
    assert!(other.join("rememberd.keys.replaced").exists());
}

#[test]
fn a_backup_that_is_put_in_place_by_hand_is_served_with_its_keys() {
    let case = Case::new();
    case.back_up();
    let other = case.home.path().join("other");
    fs::create_dir(&other).expect("it is created");
    fs::copy(&case.backup, other.join("rememberd.redb")).expect("it is copied");
    case.assert_served_by(&other);
    assert!(other.join("rememberd.keys").exists());
    assert!(!check(&other).stdout.contains("  backup "));
}

#[test]
fn a_damaged_backup_is_refused_and_the_database_stays() {
    let case = Case::new();
    case.back_up();
    let good = fs::read(&case.backup).expect("it is there");
    let before = fs::read(case.database()).expect("it is there");
    let names_before = names(&case.data);
    let mut refused = 0;
    for page in 1..good.len() / PAGE {
        let mut bytes = good.clone();
        let range = page * PAGE..(page + 1) * PAGE;
        if bytes[range.clone()].iter().all(|byte| *byte == 0) {
            continue;
        }
        bytes[range][..64].fill(0xA5);
        fs::write(&case.backup, &bytes).expect("it is written");
        if check(&case.backup).status.success() {
            // No table lies on it.
            continue;
        }
        refused += 1;
        let ended = restore(&case.backup, &case.data).run();
        assert_code(&ended, 2);
        assert!(ended.stderr.contains("backup.redb"), "{ended:?}");
        if refused == 8 {
            break;
        }
    }
    assert!(refused > 3, "{refused} pages of {}", good.len() / PAGE);
    fs::write(&case.backup, &good[..good.len() / 2]).expect("it is written");
    assert_code(&restore(&case.backup, &case.data).run(), 2);
    fs::write(&case.backup, "no database").expect("it is written");
    assert_refused(restore(&case.backup, &case.data), "not a database");
    assert_eq!(fs::read(case.database()).expect("it is there"), before);
    assert_eq!(names(&case.data), names_before);
    let nowhere = case.home.path().join("nowhere");
    assert_refused(restore(&case.backup, &nowhere), "not a database");
    assert!(!nowhere.exists());
}

#[test]
fn nothing_is_restored_or_compacted_under_a_server() {
    let case = Case::new();
    case.back_up();
    let serving = serve(&case.data);
    assert_refused(restore(&case.backup, &case.data), "in use by a server");
    let compact = Launch::new(&["compact", "--data-dir"]).argument(&case.data);
    assert_refused(compact, "in use by a server");
    // Nor is the file of one that runs.
    let other = case.home.path().join("other");
    assert_refused(restore(&case.database(), &other), "in use by a server");
    serving.stop();
    assert_refused(restore(&case.database(), &case.data), "the database itself");
}

#[test]
fn a_backup_is_salvaged_with_its_keys_and_without_one_that_nothing_needs() {
    let case = Case::new();
    let rotated = Launch::new(&["key", "rotate", "--data-dir"])
        .argument(&case.data)
        .run();
    assert_code(&rotated, 0);
    // The logins move to the new key.
    let serving = serve(&case.data);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let login = client.refresh_with(&case.id, &case.token).login();
    serving.stop();
    let case = Case {
        token: login.token,
        ..case
    };
    case.back_up();
    let salvage = |from: &Path, to: &Path| Launch::new(&["salvage"]).argument(from).argument(to);
    let salvaged = case.home.path().join("salvaged");
    let ended = salvage(&case.backup, &salvaged).run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("Nothing was lost"), "{ended:?}");
    assert!(!ended.stdout.contains("need it"), "{ended:?}");
    case.assert_served_by(&salvaged);

    let other = case.home.path().join("other");
    let serving = serve(&other);
    serving.stop();
    let rotate = Launch::new(&["key", "rotate", "--data-dir"]).argument(&other);
    assert_code(&rotate.run(), 0);
    let keys = other.join("rememberd.keys");
    let text = fs::read_to_string(&keys).expect("it is there");
    // So that the database knows the key, which nothing needs.
    serve(&other).stop();
    let without: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("2 "))
        .collect();
    fs::write(&keys, without.join("\n")).expect("it is ours");
    let salvaged = case.home.path().join("without");
    let ended = salvage(&other, &salvaged).run();
    assert_code(&ended, 0);
    serve(&salvaged).stop();
}

#[test]
fn a_compacted_database_is_smaller_and_the_same() {
    let case = Case::new();
    let seed = case.home.path().join("seed.json");
    fs::write(&seed, seed_with_logins(2_000)).expect("it is written");
    let data = case.home.path().join("large");
    let serving = Launch::serve(&data).seed(&seed).start();
    let login = serving.client(DEMO_ACCESS_TOKEN).create(PROFILE).login();
    drop(serving);
    let length = || {
        let metadata = fs::metadata(data.join("rememberd.redb"));
        metadata.expect("it is there").len()
    };
    let before = length();
    let ended = Launch::new(&["compact", "--data-dir"])
        .argument(&data)
        .run();
    assert_code(&ended, 0);
    assert!(ended.stdout.contains("was compacted from"), "{ended:?}");
    assert!(length() < before, "{before} and then {}", length());
    assert_code(&check(&data), 0);
    let names = names(&data);
    let is_unfinished = |name: &String| name.ends_with("unfinished");
    assert!(!names.iter().any(is_unfinished), "{names:?}");
    let serving = serve(&data);
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(&login.id).login().token, login.token);
    serving.stop();

    let nothing = case.home.path().join("nothing");
    let compact = Launch::new(&["compact", "--data-dir"]).argument(&nothing);
    assert_refused(compact, "missing or empty");
    assert!(!nothing.exists());
}

/// The example data with so many more logins.
fn seed_with_logins(count: usize) -> String {
    let demo = fs::read(DEMO_SEED).expect("it is part of the repository");
    let mut seed: Value = serde_json::from_slice(&demo).expect("it is JSON");
    let logins = (0..count).map(|number| {
        json!({
            "_id": format!("00000000-0000-4000-8000-{number:012}"),
            "tenant": "default",
            "profileId": PROFILE,
            "token": format!("10000000-0000-4000-8000-{number:012}"),
        })
    });
    seed["persistentlogin"] = logins.collect();
    seed.to_string()
}
