//! The real server under load, killed at random moments: what it answered is there afterwards.
//!
//! Each client drives the logins of a profile of its own, one request at a time, and keeps a ledger of
//! what it was told, which the server has no part in. After `kill -9` the server is started again on the
//! same directory and every ledger is held against it. A client that lost the answer to a rotation
//! presents its token again.
//!
//! `REMEMBERD_TEST_LONG=1` kills ten times as often, `REMEMBERD_TEST_ROUNDS` any number of times;
//! `REMEMBERD_TEST_SEED` replays the choices.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::clock::Timestamp;
use rememberd::config::ReuseRevokes;
use rememberd::domain::object_id::ObjectId;
use rememberd::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use rememberd::domain::tenant::TenantName;
use rememberd::service::demo;
use rememberd::store::Opening;
use rememberd::store::directory::DataDirectory;
use rememberd::store::engine::EngineOptions;
use rememberd::store::journal::Journal;
use serde_json::Value;
use ureq::Agent;

use crate::support::audit;
use crate::support::ledger::{Change, Ledger, Sight, State};

/// How often the server is killed.
const ROUNDS: usize = 40;

const CLIENTS: usize = 4;

/// How many logins a profile may have.
const LOGINS_MAX: usize = 4;

/// What is set for the whole test: the cap, and a grace period longer than it takes.
const FLAGS: [&str; 2] = ["--logins-per-profile-max=4", "--reuse-grace=10m"];

/// How many answers a server gives at most before it is killed.
const ANSWERS_MAX: usize = 60;

/// For how long the killer waits at most after the last of those answers.
const LINGER_MAX: Duration = Duration::from_millis(3);

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let seed_file = home.path().join("seed.json");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client::new(number, random.next_u64()))
        .collect();
    fs::write(&seed_file, seed_with_profiles(&clients)).expect("it is written");
    let data = home.path().join("data");
    for _ in 0..rounds {
        let server = Server::start_with(&data, &seed_file, revokes(&mut random));
        each(&mut clients, |client| client.check(&server));
        load_and_kill(server, &mut clients, &mut random);
    }
    let server = Server::start_with(&data, &seed_file, revokes(&mut random));
    each(&mut clients, |client| client.check(&server));
    drop(server);
    let mut tally = Tally::default();
    for client in &clients {
        tally.add(&client.tally);
    }
    eprintln!("{rounds} kills, {tally:?}");
    assert!(tally.retried > 0 && tally.revoked > 0 && tally.crowded_out > 0);
    check_file(&data, &clients);
}

#[test]
fn a_server_killed_while_it_starts_for_the_first_time_starts_again() {
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
        check_file(&directory, &[]);
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
    let (address, revokes) = (server.address.clone(), server.revokes);
    thread::scope(|scope| {
        for client in clients {
            let (address, answered) = (&address, answered.clone());
            scope.spawn(move || client.work(address, revokes, &answered));
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

/// Holds the database file against all ledgers, and its records against their indexes.
fn check_file(directory: &Path, clients: &[Client]) {
    let options = EngineOptions {
        cache_bytes: 1 << 20,
        two_phase_commit: false,
    };
    let directory = DataDirectory::lock(directory).expect("the server is gone");
    let engine = directory
        .open_database(&options, Opening::Start)
        .expect("it opens");
    let mut journal = Journal::open(engine, &support::tiny_journal(), 0).expect("it opens");
    let snapshot = journal.begin_read().expect("it is readable");
    let mut logins = audit::logins(&snapshot).expect("records and index agree");
    for client in clients {
        let own = logins.extract_if(.., |login| login.profile_id == client.profile_id);
        client
            .ledger
            .verify(&own.collect::<Vec<_>>(), Sight::Record)
            .expect("the file holds what was told");
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

fn revokes(random: &mut StdRng) -> ReuseRevokes {
    [
        ReuseRevokes::Login,
        ReuseRevokes::Profile,
        ReuseRevokes::None,
    ][random.random_range(0..3)]
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
    revokes: ReuseRevokes,
}

impl Server {
    /// Starts it with the example data and waits until it serves.
    fn start(directory: &Path) -> Self {
        Self::start_with(
            directory,
            Path::new(support::DEMO_FILE),
            ReuseRevokes::Login,
        )
    }

    fn start_with(directory: &Path, seed_file: &Path, revokes: ReuseRevokes) -> Self {
        let mut server = Self::spawn_with(directory, seed_file, revokes);
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
        Self::spawn_with(
            directory,
            Path::new(support::DEMO_FILE),
            ReuseRevokes::Login,
        )
    }

    fn spawn_with(directory: &Path, seed_file: &Path, revokes: ReuseRevokes) -> Self {
        let name = revokes.to_possible_value().expect("it has a name");
        let process = Command::new(env!("CARGO_BIN_EXE_rememberd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(FLAGS)
            .args(["--reuse-revokes", name.get_name()])
            .args(support::TINY_JOURNAL_FLAGS)
            .arg("--seed")
            .arg(seed_file)
            .arg("--data-dir")
            .arg(directory)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable is there");
        Self {
            process,
            address: String::new(),
            revokes,
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

/// How often what happened.
#[derive(Clone, Debug, Default)]
struct Tally {
    answers: usize,
    /// Answers to a replaced token.
    grace: usize,
    revoked: usize,
    crowded_out: usize,
    /// Tokens presented again after a kill, as their answers were lost.
    retried: usize,
    /// Those of them that had been rotated before the kill.
    retried_in_grace: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.grace += other.grace;
        self.revoked += other.revoked;
        self.crowded_out += other.crowded_out;
        self.retried += other.retried;
        self.retried_in_grace += other.retried_in_grace;
    }
}

/// A client, and what it was told about the logins of its profile, which nobody else touches.
struct Client {
    random: StdRng,
    profile_id: ObjectId,
    ledger: Ledger,
    /// Every token that a login was known to have, in order.
    tokens: BTreeMap<PersistentLoginId, Vec<Token>>,
    /// The login and the token of a rotation whose answer was lost.
    lost: Option<(PersistentLoginId, Token)>,
    tally: Tally,
}

impl Client {
    fn new(number: usize, seed: u64) -> Self {
        let number = u8::try_from(number).expect("clients are few");
        Self {
            random: StdRng::seed_from_u64(seed),
            profile_id: ObjectId::from_bytes([number; 12]),
            ledger: Ledger::default(),
            tokens: BTreeMap::new(),
            lost: None,
            tally: Tally::default(),
        }
    }

    /// Every login is as the ledger has it, and who lost an answer gets it.
    fn check(&mut self, server: &Server) {
        let connection = Connection::new(&server.address);
        let look_first = self.lost.is_none() || self.random.random_bool(0.5);
        if look_first {
            self.look(&connection);
        }
        if let Some((id, presented)) = self.lost.take() {
            if look_first {
                self.ledger.ask(Change::default());
            }
            self.retry(&connection, id, presented);
            self.look(&connection);
        }
    }

    /// Reads everything and holds it against the ledger.
    fn look(&mut self, connection: &Connection) {
        let listed = connection.list(self.profile_id).expect("the server runs");
        let listed: BTreeSet<_> = listed.into_iter().map(|(_, id)| id).collect();
        let ids: BTreeSet<_> = self
            .ledger
            .ids()
            .into_iter()
            .chain(listed.clone())
            .collect();
        let mut found = Vec::new();
        for id in ids {
            let login = connection.read(id).expect("the server runs");
            assert_eq!(login.is_some(), listed.contains(&id), "{id}");
            found.extend(login);
        }
        self.ledger
            .settle(&found, Sight::Answer)
            .expect("it is as it was told");
        for login in &found {
            self.remember(login);
        }
    }

    /// Presents the token again whose answer was lost, and, as that may be lost too, once more: both get
    /// the same successor, and never a refusal.
    fn retry(&mut self, connection: &Connection, id: PersistentLoginId, presented: Token) {
        let (before, _) = self.present(id).expect("it was there and nobody ended it");
        let answers = [(); 2].map(|()| {
            let answer = connection.refresh(id, Some(presented));
            let (status, body) = answer.expect("the server runs");
            assert_eq!(status, 200, "a retry of {id}: {body}");
            login(&body)
        });
        assert_eq!(answers[0], answers[1]);
        let [after, _] = answers;
        self.tally.retried += 1;
        if before.token == presented {
            self.rotated(&before, &after);
        } else {
            self.tally.retried_in_grace += 1;
            assert_eq!(after, before, "the successor of the lost answer");
            self.ledger.answer(Change::default());
        }
    }

    /// Asks for one thing after the other until the server is gone.
    fn work(&mut self, address: &str, revokes: ReuseRevokes, answered: &Sender<()>) {
        let connection = Connection::new(address);
        while self.ask(&connection, revokes).is_some() {
            self.lost = None;
            self.tally.answers += 1;
            if answered.send(()).is_err() {
                panic!("the killer waits until the clients are done");
            }
        }
    }

    /// Asks for one thing; `None` if there was no answer.
    fn ask(&mut self, connection: &Connection, revokes: ReuseRevokes) -> Option<()> {
        let present = self.ledger.present();
        let chosen = present.into_iter().choose(&mut self.random);
        let chosen = chosen.map(|(login, replaced)| (login.clone(), replaced));
        match (self.random.random_range(0..40), chosen) {
            (0..9, _) | (_, None) => self.create(connection),
            (9..20, Some((login, _))) => self.rotate(connection, &login, Some(login.token)),
            (20..23, Some((login, _))) => self.rotate(connection, &login, None),
            (23..29, Some((login, Some(replaced)))) => self.grace(connection, &login, replaced),
            (29..32, Some((login, replaced))) => {
                let Some(used) = self.used_token(&login, replaced) else {
                    return self.rotate(connection, &login, Some(login.token));
                };
                self.reuse(connection, &login, used, revokes)
            }
            (32..34, Some((login, _))) => {
                self.ledger.ask(absent([login.id]));
                connection.delete(login.id)?;
                self.ledger.answer(absent([login.id]));
                Some(())
            }
            (34, Some((login, _))) => self.delete_all_but(connection, login.id),
            (_, Some((login, _))) => {
                assert_eq!(connection.read(login.id)?, Some(login));
                Some(())
            }
        }
    }

    fn create(&mut self, connection: &Connection) -> Option<()> {
        let mut listed = connection.list(self.profile_id)?;
        listed.sort();
        let ended = (listed.len() + 1).saturating_sub(LOGINS_MAX);
        let ended: Vec<_> = listed.into_iter().take(ended).map(|(_, id)| id).collect();
        let mut change = absent(ended.iter().copied());
        change.creations = 1;
        self.ledger.ask(change);
        let login = connection.create(self.profile_id)?;
        let mut change = absent(ended.iter().copied());
        change
            .states
            .push((login.id, State::Shown(login.clone(), None)));
        assert!(!self.ledger.was_told(login.token));
        self.ledger.answer(change);
        self.remember(&login);
        self.tally.crowded_out += ended.len();
        Some(())
    }

    fn rotate(
        &mut self,
        connection: &Connection,
        before: &PersistentLogin,
        presented: Option<Token>,
    ) -> Option<()> {
        self.lost = presented.map(|presented| (before.id, presented));
        self.ledger.ask(Change {
            states: vec![(before.id, State::Rotated(before.clone()))],
            creations: 0,
        });
        let (status, body) = connection.refresh(before.id, presented)?;
        assert_eq!(status, 200, "{body}");
        self.rotated(before, &login(&body));
        Some(())
    }

    /// A rotation was answered.
    fn rotated(&mut self, before: &PersistentLogin, after: &PersistentLogin) {
        assert!(!self.ledger.was_told(after.token), "a token is told twice");
        let token = before.token;
        let expected = PersistentLogin {
            token: after.token,
            ..before.clone()
        };
        assert_eq!(*after, expected, "a rotation changes the token alone");
        self.ledger.answer(Change {
            states: vec![(after.id, State::Shown(after.clone(), Some(token)))],
            creations: 0,
        });
        self.remember(after);
    }

    fn grace(
        &mut self,
        connection: &Connection,
        current: &PersistentLogin,
        replaced: Token,
    ) -> Option<()> {
        self.lost = Some((current.id, replaced));
        self.ledger.ask(Change::default());
        let (status, body) = connection.refresh(current.id, Some(replaced))?;
        assert_eq!(status, 200, "{body}");
        assert_eq!(login(&body), *current);
        self.ledger.answer(Change::default());
        self.tally.grace += 1;
        Some(())
    }

    fn reuse(
        &mut self,
        connection: &Connection,
        login: &PersistentLogin,
        used: Token,
        revokes: ReuseRevokes,
    ) -> Option<()> {
        let revoked: Vec<_> = match revokes {
            ReuseRevokes::None => Vec::new(),
            ReuseRevokes::Login => vec![login.id],
            ReuseRevokes::Profile => self.present_ids(),
        };
        self.ledger.ask(absent(revoked.iter().copied()));
        let (status, body) = connection.refresh(login.id, Some(used))?;
        assert_eq!(status, 401, "{body}");
        self.ledger.answer(absent(revoked.iter().copied()));
        self.tally.revoked += revoked.len();
        Some(())
    }

    fn delete_all_but(&mut self, connection: &Connection, kept: PersistentLoginId) -> Option<()> {
        let mut ids = self.present_ids();
        ids.retain(|&id| id != kept);
        self.ledger.ask(absent(ids.iter().copied()));
        let deleted = connection.delete_by_profile(self.profile_id, kept)?;
        assert_eq!(deleted, ids.len());
        self.ledger.answer(absent(ids));
        Some(())
    }

    /// A token of the login from before the one that was replaced last, or another login's.
    fn used_token(&mut self, login: &PersistentLogin, replaced: Option<Token>) -> Option<Token> {
        let tokens = self.tokens.values().flatten().copied();
        let used = tokens.filter(|&token| token != login.token && Some(token) != replaced);
        used.choose(&mut self.random)
    }

    fn remember(&mut self, login: &PersistentLogin) {
        let tokens = self.tokens.entry(login.id).or_default();
        if !tokens.contains(&login.token) {
            tokens.push(login.token);
        }
    }

    fn present(&self, id: PersistentLoginId) -> Option<(PersistentLogin, Option<Token>)> {
        let mut present = self.ledger.present().into_iter();
        let found = present.find(|(login, _)| login.id == id);
        found.map(|(login, replaced)| (login.clone(), replaced))
    }

    fn present_ids(&self) -> Vec<PersistentLoginId> {
        let present = self.ledger.present().into_iter();
        present.map(|(login, _)| login.id).collect()
    }
}

/// These logins go.
fn absent(ids: impl IntoIterator<Item = PersistentLoginId>) -> Change {
    Change {
        states: ids.into_iter().map(|id| (id, State::Absent)).collect(),
        creations: 0,
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

    fn create(&self, profile_id: ObjectId) -> Option<PersistentLogin> {
        let (status, body) = self.post("create", &[("profileId", &profile_id.to_string())])?;
        assert_eq!(status, 200, "{body}");
        Some(login(&body))
    }

    /// When each login of the profile was last used, and its id.
    fn list(&self, profile_id: ObjectId) -> Option<Vec<(i64, PersistentLoginId)>> {
        let request = self
            .agent
            .get(format!("{}/by_profile", self.resource))
            .query("accessTokenId", demo::ACCESS_TOKEN_ID)
            .query("profileId", profile_id.to_string());
        let (status, body) = received(request.call())?;
        assert_eq!(status, 200, "{body}");
        let json: Value = serde_json::from_str(&body).expect("the answer is JSON");
        let logins = json.as_array().expect("it is a list").iter();
        let listed = logins.map(|login| {
            let id = login["id"].as_str().and_then(PersistentLoginId::parse);
            let used = login["lastUsedOn"].as_i64();
            (used.expect("a number"), id.expect("a UUID"))
        });
        Some(listed.collect())
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

    /// The status, too.
    fn refresh(&self, id: PersistentLoginId, presented: Option<Token>) -> Option<(u16, String)> {
        let path = format!("{id}/refresh_token");
        match presented.map(|token| token.reveal().to_string()) {
            Some(token) => self.post(&path, &[("token", &token)]),
            None => self.post(&path, &[]),
        }
    }

    fn delete_by_profile(&self, profile_id: ObjectId, except: PersistentLoginId) -> Option<usize> {
        let (profile_id, except) = (profile_id.to_string(), except.to_string());
        let parameters = [("profileId", &*profile_id), ("except", &*except)];
        let (status, body) = self.post("delete_by_profile", &parameters)?;
        assert_eq!(status, 200, "{body}");
        let json: Value = serde_json::from_str(&body).expect("the answer is JSON");
        let deleted = json["deleted"].as_u64().expect("a number");
        Some(usize::try_from(deleted).expect("they are few"))
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
