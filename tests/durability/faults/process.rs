//! The real server as a process, and a client that keeps the tokens that it received.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rememberd::testing::service::demo;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use ureq::Agent;

use crate::faults::client::{PATIENCE, wait_until};
use crate::support::{self, attachment, process};

/// A running server; dropped, it is killed.
pub struct Server {
    process: Child,
    base: String,
    agent: Agent,
}

impl Server {
    /// Starts it and waits until it serves.
    pub fn start(directory: &Path) -> Self {
        // A failing disk causes many log lines.
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
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        response.expect("the server responds").status().as_u16()
    }

    /// POST to the endpoint with these parameters: status and body.
    pub fn post(&self, endpoint: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        let url = format!(
            "{}/api/1/authentication/persistent_login/{endpoint}",
            self.base
        );
        let caller = ("accessTokenId", demo::ACCESS_TOKEN_ID);
        let form = parameters.iter().copied().chain([caller]);
        let response = self.agent.post(url).send_form(form);
        let mut response = response.expect("the server responds");
        let body = response.body_mut().read_to_string().expect("a whole body");
        (response.status().as_u16(), body)
    }

    /// GET the login: status and body.
    pub fn read(&self, id: &str) -> (u16, String) {
        let url = format!("{}/api/1/authentication/persistent_login/{id}", self.base);
        let response = self.agent.get(url);
        let response = response
            .query("accessTokenId", demo::ACCESS_TOKEN_ID)
            .call();
        let mut response = response.expect("the server responds");
        let body = response.body_mut().read_to_string().expect("a whole body");
        (response.status().as_u16(), body)
    }

    /// Uploads an attachment: status and body.
    pub fn upload(&self, name: &str, content: &[u8]) -> (u16, String) {
        attachment::upload(&self.agent, &self.base, name, content).expect("the server responds")
    }

    /// The content of the attachment with this name; `None` if there is none.
    pub fn download(&self, name: &str) -> Option<Vec<u8>> {
        attachment::download(&self.agent, &self.base, name)
    }

    /// Limits how long files may become that it writes, in bytes.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let process = Pid::from_child(&self.process);
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(process), Resource::Fsize, limit).expect("it is our own");
    }

    /// Whether the process is running.
    pub fn runs(&mut self) -> bool {
        let ended = self.process.try_wait().expect("it was started");
        ended.is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server that is expected to end by itself. Returns its output.
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

/// The last token that was received for each login.
#[derive(Default)]
pub struct Tokens {
    by_login: BTreeMap<String, String>,
}

impl Tokens {
    /// Creates a login. Returns whether the request succeeded.
    pub fn create(&mut self, server: &Server) -> bool {
        let parameters = [
            ("profileId", support::DEMO_PROFILE),
            ("label", &"a label that takes some room ".repeat(3)[..64]),
        ];
        let response = server.post("create", &parameters);
        self.record(response)
    }

    /// Compares and rotates every login. Returns the number of successful requests.
    pub fn refresh_all(&mut self, server: &Server) -> usize {
        let mut served = 0;
        for (id, token) in self.by_login.clone() {
            let endpoint = format!("{id}/refresh_token");
            let response = server.post(&endpoint, &[("token", &token)]);
            served += usize::from(self.record(response));
        }
        served
    }

    /// Asserts that every login has the token that was received last, or its successor whose response was
    /// lost, which a refresh with the old token returns.
    pub fn assert_current(&mut self, server: &Server) {
        for (id, known) in self.by_login.clone() {
            let (status, body) = server.read(&id);
            assert_eq!(status, 200, "{id}: {body}");
            if token(&body).1 == known {
                continue;
            }
            let (found, endpoint) = (token(&body).1, format!("{id}/refresh_token"));
            let response = server.post(&endpoint, &[("token", &known)]);
            assert_eq!(
                token(&response.1).1,
                found,
                "{id} was rotated without a request"
            );
            self.record(response);
        }
    }

    /// The logins.
    pub fn ids(&self) -> Vec<String> {
        self.by_login.keys().cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.by_login.len()
    }

    /// Records a response. Returns whether the request succeeded.
    fn record(&mut self, (status, body): (u16, String)) -> bool {
        match status {
            200 => {
                let (id, token) = token(&body);
                self.by_login.insert(id, token);
                true
            }
            503 => false,
            _ => panic!("a failing disk logs a user out: {status} {body}"),
        }
    }
}

fn token(body: &str) -> (String, String) {
    let json: Value = serde_json::from_str(body).expect("the response is JSON");
    let text = |field: &str| json[field].as_str().expect("it is a login").to_owned();
    (text("id"), text("token"))
}
