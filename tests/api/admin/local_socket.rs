//! The socket in the data directory: who can use it, and what becomes of it.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use rustix::process::{Signal, geteuid};
use rustix::thread::{Gid, Uid, set_thread_res_gid, set_thread_res_uid};
use tempfile::TempDir;

use super::{admin_json, assert_code, exchange, get, launch, socket};
use crate::support::client::FORM;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn serve(home: &Path) -> Serving {
    Launch::serve(home).seed(DEMO_SEED).start()
}

#[track_caller]
fn assert_is_administered(home: &Path) {
    assert_eq!(admin_json(home, &["stats"])["tenants"], 1);
}

#[test]
fn the_socket_is_there_while_a_server_runs_and_only_its_owner_may_use_it() {
    let home = home();
    let serving = serve(home.path());
    let found = fs::metadata(socket(home.path())).expect("the socket");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    serving.stop();
    assert!(!socket(home.path()).exists());
}

#[test]
fn the_mode_of_the_socket_does_not_depend_on_that_of_other_files() {
    let home = home();
    let serving = Launch::serve(home.path())
        .seed(DEMO_SEED)
        .limited("umask 000")
        .start();
    let found = fs::metadata(socket(home.path())).expect("the socket");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    serving.stop();
}

#[test]
fn another_user_is_refused() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let home = home();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(home.path(), open).expect("it is ours");
    let serving = serve(home.path());
    let path = socket(home.path());
    // These change the thread alone.
    let refused = thread::spawn(move || {
        let (user, group) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
        set_thread_res_gid(group, group, group).expect("root may");
        set_thread_res_uid(user, user, user).expect("root may");
        UnixStream::connect(path).expect_err("another user may not")
    });
    let refused = refused.join().expect("it does not panic");
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    serving.stop();
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_replaced() {
    let home = home();
    let serving = serve(home.path());
    serving.signal(Signal::KILL);
    serving.wait();
    assert!(socket(home.path()).exists());
    let serving = serve(home.path());
    assert_is_administered(home.path());
    serving.stop();
    assert!(!socket(home.path()).exists());
}

#[test]
fn the_socket_of_a_server_that_was_killed_keeps_nobody_from_the_database() {
    let home = home();
    let serving = serve(home.path());
    serving.signal(Signal::KILL);
    serving.wait();
    assert_is_administered(home.path());
}

#[test]
fn a_directory_may_have_a_longer_path_than_the_address_of_a_socket() {
    let home = home();
    let long = home.path().join("d".repeat(120)).join("e".repeat(120));
    let serving = serve(&long);
    assert!(socket(&long).exists());
    assert_is_administered(&long);
    serving.stop();
    assert!(!socket(&long).exists());
}

#[test]
fn a_second_server_leaves_the_socket_to_the_first_one() {
    let home = home();
    let serving = serve(home.path());
    let refused = Launch::serve(home.path()).assert_fails();
    assert!(refused.contains("it is in use by a server"), "{refused}");
    assert_is_administered(home.path());
    serving.stop();
}

#[test]
fn something_else_with_the_name_of_the_socket_is_left_and_the_server_serves() {
    let home = home();
    let other = socket(home.path());
    fs::write(&other, "other").expect("it is written");
    let mut serving = serve(home.path());
    serving.wait_for_log("the local socket cannot be created");
    let client = serving.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.get("/health/ready").status, 200);
    let ended = launch(home.path(), &["stats"]).run();
    assert_code(&ended, 3);
    assert!(ended.stderr.contains("does not listen on"), "{ended:?}");
    serving.stop();
    assert_eq!(fs::read(&other).expect("it is there"), b"other");
}

#[test]
fn a_stop_finishes_a_local_request() {
    let home = home();
    let mut serving = serve(home.path());
    let mut stream = UnixStream::connect(socket(home.path())).expect("the server listens");
    // Once one request is answered, the connection is no longer in the backlog.
    let first = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(first).expect("it is sent");
    let mut byte = [0];
    let mut response = Vec::new();
    while !response.ends_with(b"{\"status\":\"live\"}") {
        stream.read_exact(&mut byte).expect("a response");
        response.extend(byte);
    }
    let (name, value) = FORM;
    let head = format!(
        "POST /api/1/tenant/default/roles/add HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\n\
         Content-Length: {}\r\n\r\nrole=lo",
        "role=local".len()
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    serving.signal(Signal::TERM);
    serving.wait_for_log("stopping");
    stream.write_all(b"cal").expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains("\"local\""), "{response}");
    assert!(serving.wait().status.success());
}

#[test]
fn a_server_that_hangs_is_not_waited_for_longer_than_wanted() {
    let home = home();
    let serving = serve(home.path());
    serving.signal(Signal::STOP);
    let read = launch(home.path(), &["stats", "--timeout", "300ms"]).run();
    let written = launch(home.path(), &["key", "rotate", "--timeout", "300ms"]).run();
    let target = home.path().join("new");
    let others = ["backup", "export"].map(|command| {
        let launch = Launch::new(&[command, "--timeout", "300ms", "--data-dir"]);
        let ended = launch.argument(home.path()).argument(&target).run();
        let help = Launch::new(&[command, "--help"]).run().stdout;
        (ended, help)
    });
    serving.signal(Signal::CONT);
    for (ended, expected) in [
        (read, "the server does not answer within 300ms\n"),
        (
            written,
            "the server does not answer within 300ms; the outcome is unknown\n",
        ),
    ] {
        assert_code(&ended, 3);
        assert!(ended.stderr.ends_with(expected), "{ended:?}");
    }
    for (ended, help) in others {
        assert_code(&ended, 3);
        let (_, codes) = help.split_once("Exit code: 0 if ").expect("exit codes");
        let (codes, _) = codes.split_once("\n\n").expect("examples");
        assert!(codes.contains("3 if "), "{codes}");
    }
    assert_is_administered(home.path());
    serving.stop();
}

#[test]
fn the_local_operator_needs_no_access_token_and_one_that_is_given_counts() {
    let home = home();
    let mut serving = serve(home.path());
    for path in [
        "/api/1/tenant/default",
        "/crafter-profile/api/1/tenant/default.json",
    ] {
        let response = exchange(home.path(), &get(path));
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }
    serving.wait_for_log("route=\"tenant/read\"");
    let response = exchange(home.path(), &get("/api/1/tenant/default?accessTokenId=x"));
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    let log = serving.stop().stderr;
    assert!(log.contains("application=\"local operator\""), "{log}");
}

#[test]
fn what_is_for_local_connections_alone_is_nowhere_on_other_ones() {
    let home = home();
    let serving = serve(home.path());
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let paths: Vec<String> = ROUTER
        .lines()
        .filter_map(|line| {
            line.strip_prefix("    [\"admin\", \"1\", \"")?
                .split_once('"')
        })
        .map(|(name, _)| format!("/admin/1/{name}"))
        .collect();
    assert!(paths.len() >= 4, "{paths:?}");
    for path in paths
        .iter()
        .flat_map(|path| [path.clone(), format!("/crafter-profile{path}")])
    {
        for method in ["GET", "POST", "OPTIONS", "PUT"] {
            let target = format!("{path}?accessTokenId={DEMO_ACCESS_TOKEN}");
            let response = client.send(method, &target, &[], None);
            response.assert_other_error(404);
            assert_eq!(response.header("allow"), "", "{method} {path}");
        }
    }
    serving.stop();
}

/// The list of resources.
const ROUTER: &str = include_str!("../../../src/http/router.rs");
