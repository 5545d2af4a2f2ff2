//! The real binary with something else than a regular file in the place of one.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Launch};

const DATABASE: &str = "rememberd.redb";

/// What is no regular file, at `path`.
type Make = fn(&Path);

/// Each kind, with what messages call it.
const KINDS: [(&str, Make); 4] = [
    ("a FIFO", |path| {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.expect("it can be run").success());
    }),
    ("a directory", |path| {
        fs::create_dir(path).expect("a directory");
    }),
    ("a device", |path| {
        symlink("/dev/zero", path).expect("a link");
    }),
    ("a socket", |path| {
        UnixListener::bind(path).expect("a socket");
    }),
];

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Asserts that the message names the file and what it is.
#[track_caller]
fn assert_names(message: &str, path: &Path, kind: &str) {
    let cause = format!("it is {kind}, not a regular file");
    let path = path.to_string_lossy();
    assert!(
        message.contains(&*path) && message.contains(&cause),
        "{message}"
    );
}

#[test]
fn a_start_with_another_kind_of_file_is_refused_at_once() {
    for (kind, make) in KINDS {
        let home = home();
        let special = home.path().join("special");
        make(&special);
        let data = home.path().join("data");
        let message = Launch::serve(&data).seed(&special).assert_fails();
        assert_names(&message, &special, kind);
        assert!(!data.exists(), "nothing is left of it");
        let message = Launch::serve(&data)
            .seed(DEMO_SEED)
            .argument("--key-file")
            .argument(&special)
            .assert_fails();
        assert_names(&message, &special, kind);
        for name in [DATABASE, "rememberd.keys", "rememberd.lock"] {
            fs::create_dir_all(&data).expect("a directory");
            let special = data.join(name);
            make(&special);
            let message = Launch::serve(&data).seed(DEMO_SEED).assert_fails();
            assert_names(&message, &special, kind);
            assert!(fs::symlink_metadata(&special).is_ok(), "it is still there");
            fs::remove_dir_all(&data).expect("it is there");
        }
    }
}

#[test]
fn a_check_with_another_kind_of_file_is_refused_at_once() {
    for (kind, make) in KINDS {
        let home = home();
        let data = home.path().join("data");
        Launch::serve(&data).seed(DEMO_SEED).start().stop();
        let special = home.path().join("special");
        make(&special);
        let check = |arguments: [&Path; 3]| {
            let mut launch = Launch::new(&["check"]);
            for argument in arguments {
                launch = launch.argument(argument);
            }
            launch.assert_fails()
        };
        let message = check([&data, Path::new("--key-file"), &special]);
        assert_names(&message, &special, kind);
        let database = data.join(DATABASE);
        fs::rename(&database, home.path().join("saved")).expect("it is there");
        make(&database);
        let message = check([&data, Path::new("--key-file"), &data.join("rememberd.keys")]);
        assert_names(&message, &database, kind);
        let rotated = Launch::new(&["key", "rotate", "--key-file"]).argument(&special);
        assert_names(&rotated.assert_fails(), &special, kind);
    }
}
