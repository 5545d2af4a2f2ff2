//! A client: makes calls over HTTP and writes down when they began, when they ended and what was said.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::linearizability::board::Board;
use crate::linearizability::checker::Event;
use crate::linearizability::server::ACCESS_TOKEN;
use crate::linearizability::specification::{Answer, Call, LoginId, Presented, Revokes, Token};
use crate::support::process;

/// How a client ends a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It takes the answer.
    Answered,
    /// It leaves as soon as the request is sent.
    Abandoned,
    /// It leaves as the answer begins to arrive, so that the call has happened and it does not know.
    Lost,
}

/// See the module.
pub struct Client<'a> {
    agent: Agent,
    address: SocketAddr,
    profile: &'a str,
    board: &'a Board,
    epoch: Instant,
    pub events: Vec<Event>,
}

/// A request: whether it is a POST, its path and its parameters.
struct Request {
    posts: bool,
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    /// A client of the server at `address` for the logins of `profile`. Times are since `epoch`.
    pub fn new(address: SocketAddr, profile: &'a str, board: &'a Board, epoch: Instant) -> Self {
        Self {
            agent: process::agent(None),
            address,
            profile,
            board,
            epoch,
            events: Vec::new(),
        }
    }

    /// Makes the call and writes it down.
    pub fn make(&mut self, call: Call, ending: Ending) {
        let request = self.request(&call);
        let start = self.now();
        let end = match ending {
            Ending::Answered => {
                let (status, body) = self.answered(&request);
                let end = self.now();
                Some((end, self.read(&call, status, &body)))
            }
            Ending::Abandoned | Ending::Lost => {
                self.leave(&request, ending == Ending::Lost);
                None
            }
        };
        if let Some((_, Answer::Login(id, token))) = end {
            self.board.put_up(id, token);
        }
        self.events.push(Event { start, call, end });
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).expect("a test does not take centuries")
    }

    fn request(&self, call: &Call) -> Request {
        let of_profile = || vec![("profileId", self.profile.to_owned())];
        let of_login = |id| self.board.id_text(id);
        let (posts, path, mut parameters) = match *call {
            Call::Create => (true, "create".to_owned(), of_profile()),
            Call::Read(id) => (false, of_login(id), Vec::new()),
            Call::Refresh(id, presented) => {
                let token = match presented {
                    Presented::Nothing => Vec::new(),
                    Presented::Token(token) => vec![("token", self.board.token_text(token))],
                    Presented::Garbage => vec![("token", "garbage".to_owned())],
                };
                (true, format!("{}/refresh_token", of_login(id)), token)
            }
            Call::Delete(id) => (true, format!("{}/delete", of_login(id)), Vec::new()),
            Call::List => (false, "by_profile".to_owned(), of_profile()),
            Call::DeleteAll { except } => {
                let mut parameters = of_profile();
                parameters.extend(except.map(|id| ("except", of_login(id))));
                (true, "delete_by_profile".to_owned(), parameters)
            }
        };
        parameters.push(("accessTokenId", ACCESS_TOKEN.to_owned()));
        Request {
            posts,
            path: format!("/api/1/authentication/persistent_login/{path}"),
            parameters,
        }
    }

    fn answered(&self, request: &Request) -> (u16, String) {
        let url = format!("http://{}{}", self.address, request.path);
        let parameters = || {
            request
                .parameters
                .iter()
                .map(|(name, value)| (*name, value))
        };
        let answer = if request.posts {
            self.agent.post(url).send_form(parameters())
        } else {
            self.agent.get(url).query_pairs(parameters()).call()
        };
        let mut answer: Response<_> = answer.expect("the server answers");
        let body = answer.body_mut().read_to_string();
        (
            answer.status().as_u16(),
            body.expect("the answer arrives whole"),
        )
    }

    /// Sends the request and closes the connection without having read the answer.
    fn leave(&self, request: &Request, once_answered: bool) {
        let parameters = request.parameters.iter();
        let query: Vec<String> = parameters
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut connection = TcpStream::connect(self.address).expect("the server listens");
        write!(
            connection,
            "{} {}?{} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            if request.posts { "POST" } else { "GET" },
            request.path,
            query.join("&"),
        )
        .expect("the request is sent");
        if once_answered {
            let begun = connection.read_exact(&mut [0]);
            begun.expect("the answer begins");
        }
    }

    fn read(&self, call: &Call, status: u16, body: &str) -> Answer {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        match (call, status) {
            (Call::Create | Call::Read(_) | Call::Refresh(..), 200) => {
                let (id, token) = self.login(&json, body);
                Answer::Login(id, token)
            }
            (Call::Read(_) | Call::Refresh(..), 404) => Answer::Gone,
            (Call::Refresh(..), 401) => Answer::Reused(revoked(body)),
            (Call::Refresh(..), 400) => Answer::Malformed,
            (Call::Delete(_), 200) => Answer::Done,
            (Call::List, 200) => {
                let list = json.as_array().expect(body);
                let mut ids: Vec<_> = list.iter().map(|login| self.id(login, body)).collect();
                ids.sort();
                Answer::Listed(ids)
            }
            (Call::DeleteAll { .. }, 200) => {
                let deleted = json["deleted"].as_u64().expect(body);
                Answer::Deleted(usize::try_from(deleted).expect("histories are short"))
            }
            _ => panic!("{call:?} is answered {status} {body}"),
        }
    }

    fn login(&self, json: &Value, body: &str) -> (LoginId, Token) {
        let token = json["token"].as_str().expect(body);
        (self.id(json, body), self.board.token(token))
    }

    fn id(&self, json: &Value, body: &str) -> LoginId {
        self.board.login(json["id"].as_str().expect(body))
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
