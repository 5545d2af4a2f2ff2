//! Backups while clients call the server: each has the logins as they were at some moment of its making.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::linearizability::checker::{self, Event};
use crate::linearizability::client::{Client, Ending};
use crate::linearizability::registry::Registry;
use crate::linearizability::server::{self, Server};
use crate::linearizability::specification::{Call, Response, Revokes, Rules};
use crate::linearizability::{CALLS, CLIENTS, LOGINS, Scope, choose};
use crate::support;

/// The number of histories, each with a backup.
const HISTORIES: usize = 8;
const HISTORIES_LONG: usize = 300;

#[test]
fn a_backup_is_the_state_of_one_moment_while_it_was_made() {
    let rules = Rules {
        grace: true,
        coalesce: false,
        revokes: Revokes::Login,
    };
    let flags = ["--reuse-grace=10m"];
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let count = if support::is_long() {
        HISTORIES_LONG
    } else {
        HISTORIES
    };
    let server = Server::start(&flags, count);
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut between = 0;
    for number in 0..count {
        let profile = server::profile(number);
        let file = home.path().join(format!("{number}.redb"));
        let registry = Registry::default();
        let epoch = Instant::now();
        let mut events = history(&server, &profile, &registry, epoch, &file, &mut random);
        let restored = home.path().join(format!("{number}"));
        run("restore", &file, &restored);
        let restored = Server::resume(&flags, restored);
        let mut client = Client::new(restored.address, &profile, &registry, epoch);
        let found = client.read_all();
        let backup = events
            .iter_mut()
            .find(|event| event.call == Call::BackUp)
            .expect("there is one");
        let (end, _) = backup.end.take().expect("it has ended");
        let start = backup.start;
        backup.end = Some((end, Response::Logins(found)));
        checker::linearize(&rules, &events)
            .unwrap_or_else(|violation| panic!("history {number}: {violation:?}"));
        let is_within = |event: &&Event| {
            let is_later = event.start > start;
            is_later && event.end.as_ref().is_some_and(|(ended, _)| *ended < end)
        };
        between += events.iter().filter(is_within).count();
    }
    assert!(between > 0, "no call was made during a backup");
}

/// Runs clients and a backup. Returns all their calls, the backup without what is in it, in the order of their starts.
fn history(
    server: &Server,
    profile: &str,
    registry: &Registry,
    epoch: Instant,
    file: &Path,
    random: &mut StdRng,
) -> Vec<Event> {
    let client = || Client::new(server.address, profile, registry, epoch);
    let mut first = client();
    for _ in 0..LOGINS {
        first.call(Call::Create, Ending::Received);
    }
    let start = Barrier::new(CLIENTS + 1);
    let mut events = first.events;
    thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut random = StdRng::seed_from_u64(random.next_u64());
                let (mut client, start) = (client(), &start);
                threads.spawn(move || {
                    start.wait();
                    for _ in 0..CALLS {
                        let (call, ending) = choose(&mut random, registry, Scope::Profile);
                        client.call(call, ending);
                    }
                    client.events
                })
            })
            .collect();
        start.wait();
        let now = || u64::try_from(epoch.elapsed().as_nanos()).expect("a test is short");
        let begun = now();
        run("backup", file, server.data());
        events.push(Event {
            start: begun,
            call: Call::BackUp,
            end: Some((now(), Response::Done)),
        });
        for client in clients {
            events.extend(client.join().expect("the client does not panic"));
        }
    });
    events.sort_by_key(|event| event.start);
    events
}

#[track_caller]
fn run(command: &str, file: &Path, data: &Path) {
    let ended = Command::new(env!("CARGO_BIN_EXE_rememberd"))
        .arg(command)
        .arg(file)
        .arg("--data-dir")
        .arg(data)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert!(ended.status.success(), "{ended:?}");
}
