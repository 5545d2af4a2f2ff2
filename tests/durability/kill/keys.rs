//! Changes of the secret keys, killed at each step: no login is lost whose key is not dropped.

use std::fs;
use std::path::{Path, PathBuf};

use rememberd::testing::{PersistentLoginId, service::demo};
use tempfile::TempDir;

use crate::kill::connection::Connection;
use crate::kill::server::Server;
use crate::kill::steps::{command, copy_directory, kill_at_each_step, run};
use crate::support;

/// At how many calls of the same kind each command is killed.
const OF_A_KIND_MAX: usize = 12;

struct Case {
    home: TempDir,
    /// The directory whose keys are changed.
    target: PathBuf,
}

impl Case {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let target = home.path().join("target");
        Self { home, target }
    }

    fn target(&self) -> &str {
        self.target.to_str().expect("it is text")
    }

    /// The command to rotate the key with a server of its own.
    fn rotate(&self) -> [&str; 5] {
        ["admin", "key", "rotate", "--data-dir", self.target()]
    }

    /// A database whose login has been rotated since its key was generated.
    fn original(&self) -> PathBuf {
        let directory = self.home.path().join("original");
        let server = Server::start(&directory);
        assert_refreshes(&server);
        drop(server);
        directory
    }

    fn copy(&self, from: &Path) {
        let _ = fs::remove_dir_all(&self.target);
        copy_directory(from, &self.target);
    }
}

/// The token of the login is replaced, and the new one is accepted.
#[track_caller]
fn assert_refreshes(server: &Server) {
    let id = PersistentLoginId::parse(support::DEMO_LOGIN).expect("it is valid");
    let connection = Connection::new(&server.address);
    let login = connection.read(id).expect("a response");
    let token = login.expect("the login is there").token;
    for token in [Some(token), None] {
        let (status, body) = connection.refresh(id, token).expect("a response");
        assert_eq!(status, 200, "{body}");
    }
}

/// The id of the example data's access token can be read.
#[track_caller]
fn assert_lists_access_token(case: &Case) {
    let list = run(command([
        "admin",
        "access-token",
        "list",
        "--ids",
        "--data-dir",
        case.target(),
    ]));
    assert!(list.contains(demo::ACCESS_TOKEN_ID), "{list}");
}

#[test]
fn the_rotation_of_a_key_in_its_file_loses_no_login() {
    let case = Case::new();
    let original = case.original();
    let rotate = || command(["key", "rotate", "--data-dir", case.target()]);
    kill_at_each_step(
        OF_A_KIND_MAX,
        rotate,
        || case.copy(&original),
        || assert_refreshes(&Server::start(&case.target)),
    );
}

#[test]
fn the_rotation_of_a_key_in_use_loses_no_login() {
    let case = Case::new();
    let original = case.original();
    kill_at_each_step(
        OF_A_KIND_MAX,
        || command(case.rotate()),
        || case.copy(&original),
        || {
            assert_refreshes(&Server::start(&case.target));
            run(command(case.rotate()));
            assert_refreshes(&Server::start(&case.target));
        },
    );
}

#[test]
fn a_key_that_no_login_needs_is_dropped_or_still_there() {
    let case = Case::new();
    let original = case.original();
    case.copy(&original);
    run(command(case.rotate()));
    // The login moves to the new key.
    assert_refreshes(&Server::start(&case.target));
    let rotated = case.home.path().join("rotated");
    fs::rename(&case.target, &rotated).expect("it is moved");
    let drop = [
        "admin",
        "key",
        "drop",
        "1",
        "--yes",
        "--data-dir",
        case.target(),
    ];
    kill_at_each_step(
        OF_A_KIND_MAX,
        || command(drop),
        || case.copy(&rotated),
        || {
            assert_refreshes(&Server::start(&case.target));
            assert_lists_access_token(&case);
            // It may have been dropped.
            let _ = command(drop).output().expect("the executable is there");
            assert_refreshes(&Server::start(&case.target));
            assert_lists_access_token(&case);
            let list = run(command([
                "admin",
                "key",
                "list",
                "--json",
                "--data-dir",
                case.target(),
            ]));
            assert!(
                list.contains("\"number\":2") && !list.contains("\"number\":1"),
                "{list}"
            );
        },
    );
}
