//! The real server as a process, and a client of it that keeps the tokens it was told.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rememberd::testing::service::demo;
use serde_json::Value;
use ureq::Agent;

use crate::faults::client::{PATIENCE, wait_until};
use crate::support::{self, process};

/// A running server; dropped, it is killed.
pub struct Server {
    process: Child,
    base: String,
    agent: Agent,
}

impl Server {
    /// Starts it and waits until it serves.
    pub fn start(directory: &Path) -> Self {
        // A sick disk is much complained of.
        let process = command(directory).stderr(Stdio::null()).spawn();
        let mut process = process.expect("it is there");
        Self {
            base: process::address(&mut process),
            process,
            agent: process::agent(Some(PATIENCE)),
        }
    }

    /// The status of GET on this path.
    pub fn status(&self, path: &str) -> u16 {
        let answer = self.agent.get(format!("{}{path}", self.base)).call();
        answer.expect("it answers").status().as_u16()
    }

    /// POST to the endpoint with these parameters: status and body.
    pub fn post(&self, endpoint: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        let url = format!(
            "{}/api/1/authentication/persistent_login/{endpoint}",
            self.base
        );
        let caller = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let form = parameters.iter().copied().chain([caller]);
        let answer = self.agent.post(url).send_form(form);
        let mut answer = answer.expect("it answers");
        let body = answer.body_mut().read_to_string().expect("a whole body");
        (answer.status().as_u16(), body)
    }

    /// GET the login: status and body.
    pub fn read(&self, id: &str) -> (u16, String) {
        let url = format!("{}/api/1/authentication/persistent_login/{id}", self.base);
        let answer = self.agent.get(url);
        let answer = answer.query("accessTokenId", demo::ACCESS_TOKEN_ID).call();
        let mut answer = answer.expect("it answers");
        let body = answer.body_mut().read_to_string().expect("a whole body");
        (answer.status().as_u16(), body)
    }

    /// Whether the process has not ended.
    pub fn runs(&mut self) -> bool {
        let ended = self.process.try_wait().expect("it was started");
        ended.is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server that is expected to end by itself; what it left.
pub fn run_to_end(directory: &Path) -> Output {
    let process = command(directory).stderr(Stdio::piped()).spawn();
    let mut process = process.expect("it is there");
    wait_until("it ends", || {
        process.try_wait().expect("it was started").is_some()
    });
    process.wait_with_output().expect("it has ended")
}

fn command(directory: &Path) -> Command {
    process::command(Path::new(support::DEMO_FILE), directory)
}

/// The token that each login was last told to have.
#[derive(Default)]
pub struct Tokens {
    told: BTreeMap<String, String>,
}

impl Tokens {
    /// Asks for a new login; tells whether it was served.
    pub fn create(&mut self, server: &Server) -> bool {
        let parameters = [
            ("profileId", support::DEMO_PROFILE),
            ("label", &"a label that takes some room ".repeat(3)[..64]),
        ];
        let answer = server.post("create", &parameters);
        self.note(answer)
    }

    /// Compares and rotates every login; tells how many were served.
    pub fn refresh_all(&mut self, server: &Server) -> usize {
        let mut served = 0;
        for (id, token) in self.told.clone() {
            let endpoint = format!("{id}/refresh_token");
            let answer = server.post(&endpoint, &[("token", &token)]);
            served += usize::from(self.note(answer));
        }
        served
    }

    /// Reads every login. One that is served has the token that was told last, or one that came after
    /// it without an answer, which the old one is then answered with.
    pub fn check(&mut self, server: &Server) {
        for (id, told) in self.told.clone() {
            let (status, body) = server.read(&id);
            assert_eq!(status, 200, "{id}: {body}");
            if token(&body).1 == told {
                continue;
            }
            let (found, endpoint) = (token(&body).1, format!("{id}/refresh_token"));
            let answer = server.post(&endpoint, &[("token", &told)]);
            assert_eq!(token(&answer.1).1, found, "{id} was rotated by nobody");
            self.note(answer);
        }
    }

    /// The logins.
    pub fn ids(&self) -> Vec<String> {
        self.told.keys().cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.told.len()
    }

    fn note(&mut self, (status, body): (u16, String)) -> bool {
        match status {
            200 => {
                let (id, token) = token(&body);
                self.told.insert(id, token);
                true
            }
            503 => false,
            _ => panic!("a sick disk logs somebody out: {status} {body}"),
        }
    }
}

fn token(body: &str) -> (String, String) {
    let json: Value = serde_json::from_str(body).expect("the answer is JSON");
    let text = |field: &str| json[field].as_str().expect("it is a login").to_owned();
    (text("id"), text("token"))
}
