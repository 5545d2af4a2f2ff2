//! A client: makes calls over HTTP, and records their starts, ends and responses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;
use ureq::Agent;

use crate::linearizability::checker::Event;
use crate::linearizability::registry::Registry;
use crate::linearizability::server::ACCESS_TOKEN;
use crate::linearizability::specification::{Call, LoginId, Presented, Response, Revokes, Token};
use crate::support::process;

/// How a client ends a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The client receives the response.
    Received,
    /// The client disconnects as soon as the request is sent.
    Aborted,
    /// The client disconnects at the first byte of the response, so that the call has happened.
    Lost,
}

/// See the module.
pub struct Client<'a> {
    agent: Agent,
    address: SocketAddr,
    profile: &'a str,
    registry: &'a Registry,
    epoch: Instant,
    pub events: Vec<Event>,
}

/// A request: its method (POST or GET), path and parameters.
struct Request {
    is_post: bool,
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    /// A client of the server at `address` for the logins of `profile`. Times are relative to `epoch`.
    pub fn new(
        address: SocketAddr,
        profile: &'a str,
        registry: &'a Registry,
        epoch: Instant,
    ) -> Self {
        Self {
            agent: process::agent(None),
            address,
            profile,
            registry,
            epoch,
            events: Vec::new(),
        }
    }

    /// Makes the call and records it.
    pub fn call(&mut self, call: Call, ending: Ending) {
        let request = self.request(&call);
        let start = self.now();
        let end = match ending {
            Ending::Received => {
                let (status, body) = self.send(&request);
                let end = self.now();
                Some((end, self.decode(&call, status, &body)))
            }
            Ending::Aborted | Ending::Lost => {
                self.disconnect(&request, ending == Ending::Lost);
                None
            }
        };
        if let Some((_, Response::Login(id, token))) = end {
            self.registry.add(id, token);
        }
        self.events.push(Event { start, call, end });
    }

    /// All logins of the profile with their tokens, in the order of their numbers.
    pub fn read_all(&mut self) -> Vec<(LoginId, Token)> {
        self.call(Call::List, Ending::Received);
        let listed = self.events.last().and_then(|event| event.end.clone());
        let Some((_, Response::Listed(ids))) = listed else {
            panic!("{listed:?} is no list");
        };
        let read = |id| {
            self.call(Call::Read(id), Ending::Received);
            match self.events.last().and_then(|event| event.end.clone()) {
                Some((_, Response::Login(id, token))) => (id, token),
                response => panic!("{response:?} is no login"),
            }
        };
        ids.into_iter().map(read).collect()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).expect("a test does not take centuries")
    }

    fn request(&self, call: &Call) -> Request {
        let of_profile = || vec![("profileId", self.profile.to_owned())];
        let of_login = |id| self.registry.id_text(id);
        let (is_post, path, mut parameters) = match *call {
            Call::Create => (true, "create".to_owned(), of_profile()),
            Call::Read(id) => (false, of_login(id), Vec::new()),
            Call::Refresh(id, presented) => {
                let token = match presented {
                    Presented::Nothing => Vec::new(),
                    Presented::Token(token) => vec![("token", self.registry.token_text(token))],
                    Presented::Garbage => vec![("token", "garbage".to_owned())],
                };
                (true, format!("{}/refresh_token", of_login(id)), token)
            }
            Call::Delete(id) => (true, format!("{}/delete", of_login(id)), Vec::new()),
            Call::List => (false, "by_profile".to_owned(), of_profile()),
            Call::BackUp => unreachable!("it is no request"),
            Call::DeleteAll { except } => {
                let mut parameters = of_profile();
                parameters.extend(except.map(|id| ("except", of_login(id))));
                (true, "delete_by_profile".to_owned(), parameters)
            }
        };
        parameters.push(("accessTokenId", ACCESS_TOKEN.to_owned()));
        Request {
            is_post,
            path: format!("/api/1/authentication/persistent_login/{path}"),
            parameters,
        }
    }

    fn send(&self, request: &Request) -> (u16, String) {
        let url = format!("http://{}{}", self.address, request.path);
        let parameters = || {
            request
                .parameters
                .iter()
                .map(|(name, value)| (*name, value))
        };
        let response = if request.is_post {
            self.agent.post(url).send_form(parameters())
        } else {
            self.agent.get(url).query_pairs(parameters()).call()
        };
        let mut response: ureq::http::Response<_> = response.expect("the server responds");
        let body = response.body_mut().read_to_string();
        (response.status().as_u16(), body.expect("the whole body"))
    }

    /// Sends the request and closes the connection: at once, or at the first byte of the response.
    fn disconnect(&self, request: &Request, at_response: bool) {
        let parameters = request.parameters.iter();
        let query: Vec<String> = parameters
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut connection = TcpStream::connect(self.address).expect("the server listens");
        write!(
            connection,
            "{} {}?{} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            if request.is_post { "POST" } else { "GET" },
            request.path,
            query.join("&"),
        )
        .expect("the request is sent");
        if at_response {
            let begun = connection.read_exact(&mut [0]);
            begun.expect("the response begins");
        }
    }

    fn decode(&self, call: &Call, status: u16, body: &str) -> Response {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        match (call, status) {
            (Call::Create | Call::Read(_) | Call::Refresh(..), 200) => {
                let (id, token) = self.login(&json, body);
                Response::Login(id, token)
            }
            (Call::Read(_) | Call::Refresh(..), 404) => Response::NotFound,
            (Call::Refresh(..), 401) => Response::Reused(revoked(body)),
            (Call::Refresh(..), 400) => Response::Malformed,
            (Call::Delete(_), 200) => Response::Done,
            (Call::List, 200) => {
                let list = json.as_array().expect(body);
                let mut ids: Vec<_> = list.iter().map(|login| self.id(login, body)).collect();
                ids.sort();
                Response::Listed(ids)
            }
            (Call::DeleteAll { .. }, 200) => {
                let deleted = json["deleted"].as_u64().expect(body);
                Response::Deleted(usize::try_from(deleted).expect("histories are short"))
            }
            _ => panic!("{call:?}: {status} {body}"),
        }
    }

    fn login(&self, json: &Value, body: &str) -> (LoginId, Token) {
        let token = json["token"].as_str().expect(body);
        (self.id(json, body), self.registry.token(token))
    }

    fn id(&self, json: &Value, body: &str) -> LoginId {
        self.registry.login(json["id"].as_str().expect(body))
    }
}

fn revoked(body: &str) -> Revokes {
    for (text, revoked) in [
        ("; nothing was revoked", Revokes::Nothing),
        ("; the persistent login was revoked", Revokes::Login),
        (
            "; all persistent logins of the profile were",
            Revokes::Profile,
        ),
    ] {
        if body.contains(text) {
            return revoked;
        }
    }
    panic!("{body} does not say what was revoked");
}
