//! The real server under load, killed at random moments: what it answered is there afterwards.
//!
//! Each client drives logins of its own, one request at a time, and keeps a ledger of what it was
//! told. After `kill -9` the server is started again on the same directory and every ledger is held
//! against it. `REMEMBERD_TEST_ROUNDS` sets how often, `REMEMBERD_TEST_SEED` replays the choices.

mod support;

use std::hint;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::clock::Timestamp;
use rememberd::domain::object_id::ObjectId;
use rememberd::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use rememberd::domain::tenant::TenantName;
use rememberd::service::demo;
use rememberd::store::Opening;
use rememberd::store::directory::DataDirectory;
use rememberd::store::engine::EngineOptions;
use serde_json::Value;
use ureq::Agent;

use crate::support::audit;
use crate::support::ledger::{Ledger, State};

/// How often the server is killed.
const ROUNDS: usize = 40;

const CLIENTS: usize = 4;

/// How many answers a server gives at most before it is killed.
const ANSWERS_MAX: usize = 60;

/// For how long the killer waits at most after the last of those answers.
const LINGER_MAX: Duration = Duration::from_millis(3);

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::variable("REMEMBERD_TEST_ROUNDS").unwrap_or(ROUNDS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| Client::new(random.next_u64()))
        .collect();
    for _ in 0..rounds {
        let server = Server::start(home.path());
        each(&mut clients, |client| client.check(&server.address));
        load_and_kill(server, &mut clients, &mut random);
    }
    let server = Server::start(home.path());
    each(&mut clients, |client| client.check(&server.address));
    drop(server);
    let answered: usize = clients.iter().map(|client| client.answered).sum();
    eprintln!("{rounds} kills, {answered} answers");
    check_file(home.path(), clients);
}

#[test]
fn a_server_killed_while_it_starts_for_the_first_time_starts_again() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::variable("REMEMBERD_TEST_ROUNDS").unwrap_or(ROUNDS);
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
        check_file(&directory, Vec::new());
    }
}

/// Lets all clients do the same at a time.
fn each(clients: &mut [Client], work: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        for client in clients {
            scope.spawn(|| work(client));
        }
    });
}

/// Lets the clients work until the server is killed, which is some answers from now.
fn load_and_kill(server: Server, clients: &mut [Client], random: &mut StdRng) {
    let answers_until_kill = random.random_range(1..=ANSWERS_MAX);
    let linger = LINGER_MAX.mul_f64(random.random());
    let (answered, answers) = mpsc::channel();
    let address = server.address.clone();
    thread::scope(|scope| {
        for client in clients {
            let (address, answered) = (&address, answered.clone());
            scope.spawn(move || client.work(address, &answered));
        }
        drop(answered);
        for _ in 0..answers_until_kill {
            answers
                .recv()
                .expect("clients work until the server is killed");
        }
        spin(linger);
        drop(server);
    });
}

/// Holds the database file against all ledgers, and its records against their index.
fn check_file(directory: &Path, clients: Vec<Client>) {
    let options = EngineOptions {
        cache_bytes: 1 << 20,
        two_phase_commit: false,
    };
    let directory = DataDirectory::lock(directory).expect("the server is gone");
    let engine = directory
        .open_database(&options, Opening::Start)
        .expect("it opens");
    let snapshot = engine.begin_read().expect("it is readable");
    let mut logins = audit::logins(&snapshot).expect("records and index agree");
    let others = logins.len();
    logins.retain(|login| login.id.to_string() != support::DEMO_LOGIN);
    assert_eq!(logins.len() + 1, others, "the example data is there once");
    let mut ledger = Ledger::default();
    for client in clients {
        ledger.merge(client.ledger);
    }
    ledger
        .verify(&logins)
        .expect("the file holds what was told");
}

/// Lets time pass without giving up the processor, for moments shorter than a scheduler's.
fn spin(duration: Duration) {
    let began = Instant::now();
    while began.elapsed() < duration {
        hint::spin_loop();
    }
}

/// A running server; dropped, it is killed.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts it and waits until it serves.
    fn start(directory: &Path) -> Self {
        let mut server = Self::spawn(directory);
        let output = server.process.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next();
        let line = line.expect("it starts").expect("its output is readable");
        let address = line.strip_prefix("rememberd listens on ");
        address
            .expect("it tells its address")
            .clone_into(&mut server.address);
        server
    }

    /// Starts it and does not wait.
    fn spawn(directory: &Path) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_rememberd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(["--seed", support::DEMO_FILE, "--data-dir"])
            .arg(directory)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable is there");
        Self {
            process,
            address: String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL, which no process can handle. Fails only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client, and what it was told about its logins, which nobody else touches.
struct Client {
    random: StdRng,
    ledger: Ledger,
    answered: usize,
}

impl Client {
    fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            ledger: Ledger::default(),
            answered: 0,
        }
    }

    /// Every login is as the ledger has it.
    fn check(&mut self, address: &str) {
        let connection = Connection::new(address);
        for id in self.ledger.ids() {
            let found = connection.read(id).expect("the server runs");
            self.ledger
                .settle(id, found.as_ref())
                .expect("it is as it was told");
        }
    }

    /// Asks for one thing after the other until the server is gone.
    fn work(&mut self, address: &str, answered: &Sender<()>) {
        let connection = Connection::new(address);
        while self.ask(&connection).is_some() {
            self.answered += 1;
            if answered.send(()).is_err() {
                panic!("the killer waits until the clients are done");
            }
        }
    }

    /// Asks for one thing; `None` if there was no answer.
    fn ask(&mut self, connection: &Connection) -> Option<()> {
        let present = self.ledger.present();
        let login = present.into_iter().choose(&mut self.random).cloned();
        match (self.random.random_range(0..10), login) {
            (0..2, _) | (_, None) => {
                self.ledger.ask_creation();
                let login = connection.create()?;
                self.ledger.answer_creation(&login);
            }
            (2..7, Some(login)) => {
                let id = login.id;
                self.ledger.ask(id, State::Rotated(login));
                let rotated = connection.refresh(id)?;
                self.ledger
                    .answer(id, Some(&rotated))
                    .expect("a rotation changes the token alone");
            }
            (7..8, Some(login)) => {
                self.ledger.ask(login.id, State::Absent);
                connection.delete(login.id)?;
                self.ledger
                    .answer(login.id, None)
                    .expect("it was asked for");
            }
            (_, Some(login)) => {
                let found = connection.read(login.id)?;
                self.ledger
                    .settle(login.id, found.as_ref())
                    .expect("it is as it was told");
            }
        }
        Some(())
    }
}

/// The persistent-login endpoints. Every answer is `None` if there was none.
struct Connection {
    agent: Agent,
    resource: String,
}

impl Connection {
    fn new(address: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            agent: config.into(),
            resource: format!("{address}/api/1/authentication/persistent_login"),
        }
    }

    fn create(&self) -> Option<PersistentLogin> {
        let (status, body) = self.post("create", &[("profileId", support::DEMO_PROFILE)])?;
        assert_eq!(status, 200, "{body}");
        Some(login(&body))
    }

    fn read(&self, id: PersistentLoginId) -> Option<Option<PersistentLogin>> {
        let url = format!("{}/{id}", self.resource);
        let request = self
            .agent
            .get(url)
            .query("accessTokenId", demo::ACCESS_TOKEN_ID);
        let (status, body) = received(request.call())?;
        match status {
            200 => Some(Some(login(&body))),
            404 => Some(None),
            _ => panic!("{id} cannot be read: {status} {body}"),
        }
    }

    fn refresh(&self, id: PersistentLoginId) -> Option<PersistentLogin> {
        let (status, body) = self.post(&format!("{id}/refresh_token"), &[])?;
        assert_eq!(status, 200, "{body}");
        Some(login(&body))
    }

    fn delete(&self, id: PersistentLoginId) -> Option<()> {
        let (status, body) = self.post(&format!("{id}/delete"), &[])?;
        assert_eq!(status, 200, "{body}");
        Some(())
    }

    fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Option<(u16, String)> {
        let token = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let form = parameters.iter().copied().chain([token]);
        received(
            self.agent
                .post(format!("{}/{path}", self.resource))
                .send_form(form),
        )
    }
}

/// Status and body, if all of it arrived.
fn received(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Option<(u16, String)> {
    let mut answer = answer.ok()?;
    let body = answer.body_mut().read_to_string().ok()?;
    Some((answer.status().as_u16(), body))
}

fn login(body: &str) -> PersistentLogin {
    let json: Value = serde_json::from_str(body).expect("the answer is JSON");
    let text = |field: &str| json[field].as_str().expect(field);
    PersistentLogin {
        id: PersistentLoginId::parse(text("id")).expect("a UUID"),
        tenant: TenantName::new(text("tenant")).expect("a name"),
        profile_id: ObjectId::parse(text("profileId")).expect("an id"),
        token: Token::parse(text("token")).expect("a UUID"),
        timestamp: Timestamp::from_millis(json["timestamp"].as_i64().expect("a number")),
        rotation: None,
    }
}
