//! `rememberd admin`, and the local socket over which it reaches a server.

mod access_token;
mod clock;
mod export;
mod extended_json;
mod import;
mod key;
mod local_socket;
mod login;
mod own_server;
mod profile;
mod tenant;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Ended, Launch, Serving};

/// The socket in a data directory.
pub fn socket(home: &Path) -> PathBuf {
    home.join("rememberd.sock")
}

/// A server with the example data, and its data directory.
pub fn served() -> (TempDir, Serving) {
    served_with(&[])
}

/// The same, with these variables.
pub fn served_with(variables: &[(&str, &str)]) -> (TempDir, Serving) {
    let home = TempDir::new().expect("a temporary directory");
    let launch = Launch::serve(home.path()).seed(DEMO_SEED);
    let launch = variables
        .iter()
        .fold(launch, |launch, (name, value)| launch.variable(name, value));
    let serving = launch.start();
    (home, serving)
}

/// `rememberd admin` for the data directory `home`.
pub fn launch(home: &Path, arguments: &[&str]) -> Launch {
    let mut launch = Launch::new(&["admin"]);
    for argument in arguments {
        launch = launch.argument(argument);
    }
    launch.argument("--data-dir").argument(home)
}

/// Runs `rememberd admin`, which must succeed. Returns its standard output.
#[track_caller]
pub fn admin(home: &Path, arguments: &[&str]) -> String {
    let ended = launch(home, arguments).run();
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    ended.stdout
}

/// Runs `rememberd admin … --json`, which must succeed.
#[track_caller]
pub fn admin_json(home: &Path, arguments: &[&str]) -> Value {
    let ended = launch(home, arguments).argument("--json").run();
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).expect("JSON")
}

/// Creates an access token of the application that may do everything in each tenant. Returns its id.
#[track_caller]
pub fn create_access_token(home: &Path, application: &str) -> String {
    let create = ["access-token", "create", "--tenant", "*", "--application"];
    let created = admin_json(home, &[&create[..], &[application]].concat());
    created["id"].as_str().expect("an id").to_owned()
}

/// Runs `rememberd admin`, which must end with this exit code. Returns its standard error.
#[track_caller]
pub fn assert_exit_code(home: &Path, arguments: &[&str], expected: i32) -> String {
    let ended = launch(home, arguments).run();
    assert_code(&ended, expected);
    ended.stderr
}

#[track_caller]
pub fn assert_code(ended: &Ended, expected: i32) {
    assert_eq!(ended.status.code(), Some(expected), "{ended:?}");
}

/// Sends a request over the local socket. Returns the response.
#[track_caller]
pub fn exchange(home: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket(home)).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

/// A GET of `path`, after which the connection is closed.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}
