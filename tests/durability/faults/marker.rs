//! The real server when its database file is missing.

use std::fs;
use std::path::Path;

use crate::faults::process::{self, Server, Tokens};

const DATABASE: &str = "rememberd.redb";
const MARKER: &str = "rememberd.marker";

#[test]
fn a_server_does_not_replace_a_missing_database() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (database, marker) = (home.path().join(DATABASE), home.path().join(MARKER));
    let mut tokens = Tokens::default();
    let server = Server::start(home.path());
    assert!(tokens.create(&server));
    drop(server);
    let good = fs::read(&database).expect("it is there");

    fs::write(&database, []).expect("it is emptied");
    assert!(assert_refuses_to_start(home.path()).contains(MARKER));
    assert_eq!(fs::read(&database).expect("it is there"), b"");

    fs::remove_file(&database).expect("it was there");
    assert!(assert_refuses_to_start(home.path()).contains(MARKER));
    assert!(!database.exists());

    for foreign in [
        &b"something else"[..],
        &[0; 65_536],
        &good[..good.len() / 2],
    ] {
        fs::write(&database, foreign).expect("it is written");
        assert!(assert_refuses_to_start(home.path()).contains(DATABASE));
        assert_eq!(fs::read(&database).expect("it is there"), foreign);
    }

    fs::write(&database, &good).expect("it is restored");
    tokens.assert_current(&Server::start(home.path()));

    fs::remove_file(&database).expect("it was there");
    fs::remove_file(&marker).expect("it was there");
    let server = Server::start(home.path());
    let mut others = Tokens::default();
    assert!(others.create(&server));
    assert_eq!(server.read(&tokens.ids()[0]).0, 404);
    assert!(marker.exists());
}

/// Asserts that the server refuses to start. Returns its error message.
fn assert_refuses_to_start(home: &Path) -> String {
    let output = process::run_to_end(home);
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let error_message = String::from_utf8(output.stderr).expect("it is text");
    assert!(!error_message.contains("panicked"), "{error_message}");
    error_message
}
