//! The real server under load, killed with SIGKILL at random moments: no acknowledged change is lost.
//!
//! Each client uses the logins of its own profile, one request at a time, and records the responses in a
//! ledger outside of the server. After `kill -9` the server is started again on the same directory and
//! compared with every ledger. A client that lost the response to a rotation presents its token again; where the
//! server is strict, it reads its login instead, and presents tokens that were replaced, which ends its logins.
//!
//! `REMEMBERD_TEST_LONG=1` kills ten times as often, `REMEMBERD_TEST_ROUNDS` sets the number of kills;
//! `REMEMBERD_TEST_SEED` replays the choices.

mod access;
mod attachments;
mod backup;
mod client;
mod connection;
mod keys;
mod moving;
mod server;
mod steps;
mod tickets;
mod verification;

use std::fs;
use std::hint;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::{DataDirectory, JOURNALED, Journal, Opening, open_database};
use serde_json::Value;

use crate::kill::client::{Client, Tally};
use crate::kill::server::{Patience, Server};
use crate::support::ledger::View;
use crate::support::{self, audit};

/// The number of times that the server is killed.
const ROUNDS: usize = 40;

const CLIENTS: usize = 4;

/// The maximum number of responses of a server before it is killed.
const RESPONSES_MAX: usize = 60;

/// The maximum time between the last of those responses and the kill.
const KILL_DELAY_MAX: Duration = Duration::from_millis(3);

#[test]
fn acknowledged_changes_survive_a_kill() {
    let tally = kill_often(Patience::Patient);
    assert!(tally.retried > 0 && tally.refused > 0 && tally.revoked_by_cap > 0);
}

#[test]
fn what_a_reused_token_revoked_stays_so_after_a_kill() {
    let tally = kill_often(Patience::Strict);
    assert!(tally.reused > 0 && tally.revoked_by_reuse > tally.reused);
}

fn kill_often(patience: Patience) -> Tally {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let seed_file = home.path().join("seed.json");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client::new(number, random.next_u64(), patience))
        .collect();
    fs::write(&seed_file, seed_with_profiles(&clients)).expect("it is written");
    let data = home.path().join("data");
    for _ in 0..rounds {
        let server = Server::start_with(&data, &seed_file, patience);
        each(&mut clients, |client| client.assert_matches(&server));
        load_and_kill(server, &mut clients, &mut random);
    }
    let server = Server::start_with(&data, &seed_file, patience);
    each(&mut clients, |client| client.assert_matches(&server));
    drop(server);
    let mut tally = Tally::default();
    for client in &clients {
        tally.add(&client.tally);
    }
    eprintln!("{rounds} kills, {tally:?}");
    assert_file_matches(&data, &clients);
    tally
}

#[test]
fn a_server_killed_during_its_first_start_starts_again() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let began = Instant::now();
    drop(Server::start(&home.path().join("timed")));
    let start_duration = began.elapsed();
    for round in 0..rounds {
        let directory = home.path().join(round.to_string());
        let server = Server::spawn(&directory);
        spin(start_duration.mul_f64(random.random()));
        drop(server);
        drop(Server::start(&directory));
        assert_file_matches(&directory, &[]);
    }
}

/// Runs `work` on all clients at the same time.
fn each(clients: &mut [Client], work: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        for client in clients {
            scope.spawn(|| work(client));
        }
    });
}

/// Runs the clients until the server is killed after a random number of responses.
fn load_and_kill(server: Server, clients: &mut [Client], random: &mut StdRng) {
    let responses_until_kill = random.random_range(1..=RESPONSES_MAX);
    let delay = KILL_DELAY_MAX.mul_f64(random.random());
    let address = server.address.clone();
    work_until_killed(
        clients,
        responses_until_kill,
        |client, acknowledged| client.work(&address, acknowledged),
        |_| {
            spin(delay);
            drop(server);
        },
    );
}

/// Runs `work` for each of the clients, which ends once the server is killed. Calls `kill`, which kills it, with the
/// further responses after this number of them.
fn work_until_killed<C: Send>(
    clients: &mut [C],
    responses_until_kill: usize,
    work: impl Fn(&mut C, &Sender<()>) + Sync,
    kill: impl FnOnce(&Receiver<()>),
) {
    let (acknowledged, responses) = mpsc::channel();
    thread::scope(|scope| {
        for client in clients {
            let (work, acknowledged) = (&work, acknowledged.clone());
            scope.spawn(move || work(client, &acknowledged));
        }
        drop(acknowledged);
        for _ in 0..responses_until_kill {
            responses
                .recv()
                .expect("clients work until the server is killed");
        }
        kill(&responses);
    });
}

/// Asserts that the database file matches all ledgers, and its records match their indexes.
fn assert_file_matches(directory: &Path, clients: &[Client]) {
    let directory = DataDirectory::lock(directory).expect("the server has ended");
    let source = support::key_source(directory.database_path());
    let (engine, keys) =
        open_database(&directory, &support::OPTIONS, Opening::Start, &source).expect("it opens");
    let journal = Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens");
    let mut logins = audit::logins(&*journal.newest(), &keys).expect("records and index agree");
    for client in clients {
        let own = logins.extract_if(.., |login| login.profile_id == client.profile_id);
        client
            .ledger
            .verify(&own.collect::<Vec<_>>(), View::Record)
            .expect("the file has all acknowledged changes");
    }
    let others: Vec<_> = logins.iter().map(|login| login.id.to_string()).collect();
    assert_eq!(
        others,
        [support::DEMO_LOGIN],
        "the example data is there once"
    );
}

/// The example data, with a profile for each client.
fn seed_with_profiles(clients: &[Client]) -> String {
    let json = fs::read(support::DEMO_FILE).expect("the example data is part of the repository");
    let mut seed: Value = serde_json::from_slice(&json).expect("it is JSON");
    let profiles = seed["profile"].as_array_mut().expect("it has profiles");
    for client in clients {
        let id = client.profile_id.to_string();
        let mut profile = profiles[0].clone();
        profile["username"] = Value::from(id.clone());
        profile["_id"] = Value::from(id);
        profiles.push(profile);
    }
    seed.to_string()
}

/// Waits without yielding the processor, for durations below the resolution of the scheduler.
fn spin(duration: Duration) {
    let began = Instant::now();
    while began.elapsed() < duration {
        hint::spin_loop();
    }
}
