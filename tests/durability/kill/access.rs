//! The real server under load that ends access, killed with SIGKILL at random moments: no login and no ticket that was
//! ended works again, none that was not is lost, and no acknowledged change of a profile is lost.
//!
//! Each client uses its own profile, one request at a time. What a request without a response was to end has ended as a
//! whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::mem;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::Sender;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::{ObjectId, service::demo};
use serde_json::Value;
use ureq::Agent;

use crate::kill::{spin, work_until_killed};
use crate::support::{self, process};

/// The number of times that the server is killed.
const ROUNDS: usize = 15;

const CLIENTS: usize = 3;

/// The maximum number of responses of a server before it is killed: enough that some ends are of more than the
/// transaction removes.
const RESPONSES_MAX: usize = 300;

/// How many of what has ended is looked for after each kill.
const ENDED_CHECKED_MAX: usize = 60;

/// What a profile may be used with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Grant {
    Login(String),
    Ticket(String),
}

impl Grant {
    fn path(&self) -> String {
        match self {
            Self::Login(id) => format!("authentication/persistent_login/{id}"),
            Self::Ticket(id) => format!("authentication/ticket/{id}"),
        }
    }

    /// The call that ends it alone.
    fn end(&self) -> String {
        match self {
            Self::Login(_) => format!("{}/delete", self.path()),
            Self::Ticket(_) => format!("{}/invalidate", self.path()),
        }
    }
}

/// The API. Each method returns `None` if no response arrived.
pub struct Api {
    agent: Agent,
    base: String,
}

impl Api {
    pub fn new(address: &str) -> Self {
        Self {
            agent: process::agent(None),
            base: format!("{address}/api/1"),
        }
    }

    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let request = self.agent.get(format!("{}/{path}", self.base));
        received(request.query("accessTokenId", demo::ACCESS_TOKEN_ID).call())
    }

    pub fn send(&self, path: &str, parameters: &[(&str, &str)]) -> Option<(u16, String)> {
        let token = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let form = parameters.iter().copied().chain([token]);
        let request = self.agent.post(format!("{}/{path}", self.base));
        received(request.send_form(form))
    }

    /// Returns the body of a response with status 200.
    pub fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Option<String> {
        let (status, body) = self.send(path, parameters)?;
        assert_eq!(status, 200, "{path}: {body}");
        Some(body)
    }

    fn works(&self, grant: &Grant) -> Option<bool> {
        match self.get(&grant.path())? {
            (200, _) => Some(true),
            (404, _) => Some(false),
            (status, body) => panic!("{grant:?}: {status} {body}"),
        }
    }
}

fn received(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Option<(u16, String)> {
    let mut response = response.ok()?;
    let body = response.body_mut().read_to_string().ok()?;
    Some((response.status().as_u16(), body))
}

pub fn json(body: &str) -> Value {
    serde_json::from_str(body).expect("the response is JSON")
}

/// A client, and what the responses say of its profile.
struct Client {
    random: StdRng,
    profile: String,
    valid: BTreeSet<Grant>,
    ended: BTreeSet<Grant>,
    /// What a request is to end that has no response.
    ending: BTreeSet<Grant>,
    email: String,
    /// What a request without a response sets.
    next_email: Option<String>,
    /// How many ends had a response, of how many grants at most.
    ends: usize,
    most_ended: usize,
}

impl Client {
    fn new(number: u8, seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            profile: ObjectId::from_bytes([number; 12]).to_string(),
            valid: BTreeSet::new(),
            ended: BTreeSet::new(),
            ending: BTreeSet::new(),
            email: "first@example.com".to_owned(),
            next_email: None,
            ends: 0,
            most_ended: 0,
        }
    }

    /// Sends requests until the server is killed. Sends a message for each response.
    fn work(&mut self, address: &str, acknowledged: &Sender<()>) {
        let api = Api::new(address);
        while self.request(&api).is_some() {
            if acknowledged.send(()).is_err() {
                panic!("the test waits until the clients have ended");
            }
        }
    }

    fn request(&mut self, api: &Api) -> Option<()> {
        let own = [("profileId", self.profile.clone())];
        let own = own.each_ref().map(|(name, id)| (*name, id.as_str()));
        match self.random.random_range(0..80) {
            0..30 => {
                let created = json(&api.post("authentication/persistent_login/create", &own)?);
                self.add(Grant::Login, &created);
            }
            30..60 => {
                let created = json(&api.post("authentication/ticket/create", &own)?);
                self.add(Grant::Ticket, &created);
            }
            60..66 => {
                let email = format!("{}@example.com", self.random.random::<u32>());
                self.next_email = Some(email.clone());
                api.post(&self.call("update"), &[("email", &email)])?;
                self.next_email = None;
                self.email = email;
            }
            66 => {
                self.begin_end(self.valid.clone());
                api.post(&self.call("disable"), &[])?;
                self.acknowledge_end();
                api.post(&self.call("enable"), &[])?;
            }
            67 => {
                self.begin_end(self.valid.clone());
                let password = self.random.random::<u64>().to_string();
                api.post(&self.call("update"), &[("password", &password)])?;
                self.acknowledge_end();
            }
            68..74 => {
                if let Some(grant) = self.valid.iter().choose(&mut self.random).cloned() {
                    self.begin_end(BTreeSet::from([grant.clone()]));
                    api.post(&grant.end(), &[])?;
                    self.acknowledge_end();
                }
            }
            _ => {
                if let Some(grant) = self.valid.iter().choose(&mut self.random) {
                    assert!(api.works(grant)?, "{grant:?}");
                }
                if let Some(grant) = self.ended.iter().choose(&mut self.random) {
                    assert!(!api.works(grant)?, "{grant:?}");
                }
            }
        }
        Some(())
    }

    fn call(&self, name: &str) -> String {
        format!("profile/{}/{name}", self.profile)
    }

    fn add(&mut self, grant: fn(String) -> Grant, created: &Value) {
        let id = created["id"].as_str().expect("it has an id");
        self.valid.insert(grant(id.to_owned()));
    }

    fn begin_end(&mut self, grants: BTreeSet<Grant>) {
        self.valid = &self.valid - &grants;
        self.ending = grants;
    }

    fn acknowledge_end(&mut self) {
        self.ends += 1;
        self.most_ended = self.most_ended.max(self.ending.len());
        self.ended.append(&mut self.ending);
    }

    /// Asserts that the server has what the responses say.
    fn assert_matches(&mut self, address: &str) {
        let api = Api::new(address);
        let (status, body) = api.get(&self.call("")).expect("the server runs");
        assert_eq!(status, 200, "{body}");
        let profile = json(&body);
        let email = profile["email"].as_str().expect("it has an email");
        let expected = [Some(&*self.email), self.next_email.as_deref()];
        assert!(expected.contains(&Some(email)), "{email}, of {expected:?}");
        self.email = email.to_owned();
        self.next_email = None;

        let works = |grant: &Grant| api.works(grant).expect("the server runs");
        let ending = mem::take(&mut self.ending);
        let (still, gone): (BTreeSet<_>, BTreeSet<_>) = ending.into_iter().partition(works);
        assert!(
            still.is_empty() || gone.is_empty(),
            "an end is done half: {} of {}",
            gone.len(),
            still.len() + gone.len()
        );
        if profile["enabled"] == false {
            assert!(still.is_empty(), "it is disabled, and {still:?} work");
            api.post(&self.call("enable"), &[])
                .expect("the server runs");
        }
        self.valid.extend(still);
        self.ended.extend(gone);
        for grant in &self.valid {
            assert!(works(grant), "{grant:?} is lost");
        }
        let checked = self.ended.iter();
        for grant in checked.sample(&mut self.random, ENDED_CHECKED_MAX) {
            assert!(!works(grant), "{grant:?} works again");
        }
    }
}

/// A running server; dropped, it is killed.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(directory: &Path, seed_file: &Path) -> Self {
        let mut process = process::command(seed_file, directory)
            .args(["--logins-per-profile-max=1000", "--password-hash=contract"])
            .args(["--cleaner-interval=5ms", "--cleaner-batch-max=16"])
            .args(support::TINY_JOURNAL_FLAGS)
            .spawn()
            .expect("the executable is there");
        let address = process::address(&mut process);
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Sends SIGKILL. Fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn ended_access_stays_ended_after_a_kill() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let rounds = support::size("REMEMBERD_TEST_ROUNDS", ROUNDS);
    let home = tempfile::tempdir().expect("a temporary directory");
    let (data, seed_file) = (home.path().join("data"), home.path().join("seed.json"));
    let numbers = 1..=u8::try_from(CLIENTS).expect("they are few");
    let mut clients: Vec<_> = numbers
        .map(|number| Client::new(number, random.next_u64()))
        .collect();
    fs::write(&seed_file, seed_of(&clients)).expect("it is written");
    for _ in 0..rounds {
        let server = Server::start(&data, &seed_file);
        for client in &mut clients {
            client.assert_matches(&server.address);
        }
        load_and_kill(server, &mut clients, &mut random);
    }
    let server = Server::start(&data, &seed_file);
    for client in &mut clients {
        client.assert_matches(&server.address);
        eprintln!("{} ends, of {} at most", client.ends, client.most_ended);
    }
    assert!(clients.iter().all(|client| client.ends > 0));
}

/// Runs the clients until the server is killed after a random number of responses.
fn load_and_kill(server: Server, clients: &mut [Client], random: &mut StdRng) {
    let responses_until_kill = random.random_range(1..=RESPONSES_MAX);
    let delay = super::KILL_DELAY_MAX.mul_f64(random.random());
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

/// The example data, with a profile for each client.
fn seed_of(clients: &[Client]) -> String {
    let json = fs::read(support::DEMO_FILE).expect("the example data is part of the repository");
    let mut seed: Value = serde_json::from_slice(&json).expect("it is JSON");
    let profiles = seed["profile"].as_array_mut().expect("it has profiles");
    for client in clients {
        let mut profile = profiles[0].clone();
        profile["username"] = Value::from(client.profile.clone());
        profile["_id"] = Value::from(client.profile.clone());
        profile["email"] = Value::from(client.email.clone());
        profiles.push(profile);
    }
    seed.to_string()
}
