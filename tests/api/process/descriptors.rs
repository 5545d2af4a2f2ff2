//! The limit of file descriptors.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tempfile::TempDir;

use crate::support::process::{Launch, Serving};
use crate::support::wire::Wire;

const PING: &str = "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n";

fn home() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

#[track_caller]
fn assert_answered(wire: &mut Wire) {
    wire.send(PING);
    assert_eq!(wire.response().status, 200);
}

/// The file descriptors that it has.
fn descriptors(serving: &Serving) -> BTreeSet<u64> {
    let pid = serving.id().as_raw_nonzero();
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    let names = entries.map(|entry| entry.expect("the process runs").file_name());
    let numbers = names.map(|name| name.to_string_lossy().parse().expect("a number"));
    numbers.collect()
}

#[test]
fn the_limit_of_file_descriptors_is_raised_to_what_the_settings_need() {
    let home = home();
    let serving = Launch::serve(home.path())
        .limited("ulimit -S -n 64")
        .start();
    let mut wires: Vec<Wire> = (0..200).map(|_| serving.wire()).collect();
    wires.iter_mut().for_each(assert_answered);
    assert!(descriptors(&serving).len() > 200);
    let log = serving.stop().stderr;
    assert!(!log.contains("accepting a connection failed"), "{log}");
}

#[test]
fn a_limit_that_is_too_low_is_refused_with_what_would_suffice() {
    let home = home();
    let launch = |max: &str| {
        Launch::serve(&home.path().join("db"))
            .argument(format!("--connections-max={max}"))
            .argument("--worker-threads=2")
            .limited("ulimit -n 300")
    };
    let message = launch("1000").assert_fails();
    let expected = "rememberd: --connections-max 1000: the process needs 1327 file descriptors, and the limit is 300: \
                    use at most 178 connections, or raise it, with \"ulimit -n 1327\" or \"LimitNOFILE=1327\" in a \
                    unit of systemd\n";
    assert_eq!(message, expected);
    assert!(!home.path().join("db").exists());
    launch("178").start().stop();
}

#[test]
fn a_limit_below_what_any_command_needs_is_refused_with_what_would_suffice() {
    let home = home();
    let data = home.path().join("db");
    for limit in [6, 10, 63] {
        let launch = |command: &str| {
            Launch::new(&[
                command,
                "--connections-max=100",
                "--worker-threads=2",
                "--data-dir",
            ])
            .argument(&data)
            .limited(&format!("ulimit -n {limit}"))
        };
        for (command, needed) in [("serve", 202), ("init", 64)] {
            let message = launch(command).assert_fails();
            let expected =
                format!("needs {needed} file descriptors, and the limit is {limit}: raise it");
            assert!(message.contains(&expected), "{message}");
            assert!(!data.exists());
        }
    }
}

#[test]
fn without_file_descriptors_the_connection_idle_longest_is_closed_and_the_log_says_it_once() {
    let home = home();
    let serving = Launch::serve(home.path()).start();
    let mut idle: Vec<Wire> = (0..10)
        .map(|_| {
            let mut wire = serving.wire();
            assert_answered(&mut wire);
            wire
        })
        .collect();
    // The limit is one of their numbers, and some that the test was started with may be higher.
    let used = descriptors(&serving);
    let limit = Rlimit {
        current: (0..).find(|number| !used.contains(number)),
        ..getrlimit(Resource::Nofile)
    };
    prlimit(Some(serving.id()), Resource::Nofile, limit).expect("it is a child process");
    let mut new: Vec<Wire> = (0..3)
        .map(|_| {
            let mut wire = serving.wire();
            assert_answered(&mut wire);
            wire
        })
        .collect();
    idle[..3].iter_mut().for_each(Wire::assert_closed);
    idle[3..].iter_mut().for_each(assert_answered);
    new.iter_mut().for_each(assert_answered);
    let log = serving.stop().stderr;
    assert_eq!(
        log.matches("accepting a connection failed").count(),
        1,
        "{log}"
    );
}
