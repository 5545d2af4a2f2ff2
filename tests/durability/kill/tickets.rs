//! Tickets of a server that is killed or stopped: what was acknowledged is in the file.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rememberd::testing::{
    DataDirectory, JOURNALED, Journal, Opening, TicketDigest, TicketId, open_database,
    service::demo, tables::ticket,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use ureq::Agent;

use crate::support::{self, process};

/// How long requests may be in memory alone: a second, and what a busy host adds.
const UNSAVED_MAX: Duration = Duration::from_millis(1_500);

const PROFILE: &str = "5925a68def86951f895cf497";

/// What a client knows of a ticket.
struct Known {
    id: String,
    is_ended: bool,
    /// Whether a request to end it was sent, and perhaps not answered.
    may_be_ended: bool,
    /// The times of its requests, and when each response came.
    requests: Vec<(i64, Instant)>,
}

struct Client {
    agent: Agent,
    resource: String,
}

impl Client {
    fn send(&self, path: &str, form: Option<&[(&str, &str)]>) -> (u16, Value) {
        let url = format!("{}/{path}", self.resource);
        let token = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let response = match form {
            None => self.agent.get(url).query(token.0, token.1).call(),
            Some(form) => {
                let form = form.iter().copied().chain([token]);
                self.agent.post(url).send_form(form)
            }
        };
        let mut response = response.expect("the server runs");
        let body = response.body_mut().read_to_string().expect("a whole body");
        let body = serde_json::from_str(&body).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    fn create(&self, known: &mut Vec<Known>) {
        let (status, body) = self.send("create", Some(&[("profileId", PROFILE)]));
        assert_eq!(status, 200, "{body}");
        let requests = vec![request(&body)];
        known.push(Known {
            id: body["id"].as_str().expect("a text").to_owned(),
            is_ended: false,
            may_be_ended: false,
            requests,
        });
    }

    fn read(&self, known: &mut Known) {
        let (status, body) = self.send(&known.id, None);
        if known.is_ended {
            assert_eq!(status, 404, "{body}");
            return;
        }
        assert_eq!(status, 200, "{body}");
        let request = request(&body);
        let last = known.requests.last().map(|(time, _)| *time);
        assert!(last < Some(request.0), "{last:?} {body}");
        known.requests.push(request);
    }

    fn invalidate(&self, known: &mut Known) {
        known.may_be_ended = true;
        let (status, _) = self.send(&format!("{}/invalidate", known.id), Some(&[]));
        assert_eq!(status, 200);
        known.is_ended = true;
    }

    /// Sends random requests for this long.
    fn work(&self, random: &mut StdRng, known: &mut Vec<Known>, duration: Duration) {
        let until = Instant::now() + duration;
        while Instant::now() < until {
            let chosen = random.random_range(0..known.len().max(1));
            match (random.random_range(0..20), known.get_mut(chosen)) {
                (0, _) | (_, None) => self.create(known),
                (1, Some(known)) if chosen % 2 == 0 => self.invalidate(known),
                (_, Some(known)) => self.read(known),
            }
        }
    }
}

fn request(body: &Value) -> (i64, Instant) {
    let time = body["lastRequestTime"].as_i64().expect("a number");
    (time, Instant::now())
}

fn start(directory: &Path) -> (Child, Client) {
    let mut command = process::command(Path::new(support::DEMO_FILE), directory);
    let command = command.args(support::TINY_JOURNAL_FLAGS);
    let mut process = command.spawn().expect("the executable is there");
    let address = process::address(&mut process);
    let client = Client {
        agent: process::agent(None),
        resource: format!("{address}/api/1/authentication/ticket"),
    };
    (process, client)
}

/// Asserts that the file has every ticket that was not ended, with all requests but those after `since`.
fn assert_file_matches(directory: &Path, known: &[Known], since: Instant) {
    let directory = DataDirectory::lock(directory).expect("the server has ended");
    let source = support::key_source(directory.database_path());
    let (engine, keys) =
        open_database(&directory, &support::OPTIONS, Opening::Start, &source).expect("it opens");
    let journal = Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens");
    let snapshot = journal.newest();
    for known in known {
        let id = TicketId::parse(&known.id).expect("a UUID");
        let mut digests = TicketDigest::possible(id, &keys);
        let digest = digests.next().expect("there is a key");
        let found = ticket::get(&*snapshot, digest).expect("it can be read");
        if known.is_ended {
            assert_eq!(found, None, "{}", known.id);
            continue;
        }
        let Some(found) = found else {
            assert!(known.may_be_ended, "{} is lost", known.id);
            continue;
        };
        let saved = known.requests.iter().filter(|(_, at)| *at <= since);
        let saved = saved.map(|(time, _)| *time).max().unwrap_or(i64::MIN);
        let stored = found.last_request.as_millis();
        assert!(saved <= stored, "{}: {saved} {stored}", known.id);
    }
}

#[test]
fn tickets_survive_a_kill_and_ended_ones_do_not_come_back() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", 4).min(20);
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    let mut known = Vec::new();
    for _ in 0..rounds {
        let (mut server, client) = start(&data);
        for known in &mut known {
            client.read(known);
        }
        let duration = Duration::from_millis(random.random_range(0..5_000));
        client.work(&mut random, &mut known, duration);
        let since = Instant::now().checked_sub(UNSAVED_MAX);
        server.kill().expect("it runs");
        server.wait().expect("it ends");
        // What was created and ended is durable whenever it was.
        assert_file_matches(&data, &known, since.expect("the host runs for longer"));
    }
    assert!(known.iter().any(|known| known.is_ended));
}

#[test]
fn a_stopped_server_loses_no_request_of_a_ticket() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    let mut known = Vec::new();
    for _ in 0..4 {
        let (mut server, client) = start(&data);
        let duration = Duration::from_millis(random.random_range(50..400));
        client.work(&mut random, &mut known, duration);
        let pid = Pid::from_child(&server);
        kill_process(pid, Signal::TERM).expect("it runs");
        assert!(server.wait().expect("it ends").success());
        assert_file_matches(&data, &known, Instant::now());
    }
}
