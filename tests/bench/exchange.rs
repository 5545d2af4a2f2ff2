//! One request of the load and the check of its answer.
//!
//! The bytes of a request are laid out once; each use overwrites the id in place. The check is strict, status and id,
//! because a server that refuses quickly must not look fast.

use crate::baseline::BASELINE_LOGIN_ID;
use crate::dataset::{Dataset, Uuid};
use crate::load::Operation;
use crate::redis;

/// The largest answer that the load accepts; those of this benchmark are below 1,200 bytes.
pub const ANSWER_BYTES_MAX: usize = 4096;

const PATH: &str = "/crafter-profile/api/1/authentication/persistent_login";
const PROFILES: &str = "/crafter-profile/api/1/profile";
const PLACEHOLDER: &str = "00000000-0000-4000-8000-000000000000";
const NO_PROFILE: &str = "000000000000000000000000";

pub struct Exchange {
    request: Vec<u8>,
    id_at: usize,
    /// Whether the id in the path is that of a profile.
    is_of_profile: bool,
    /// Whether the token stands in place of the id: it is what each request has that no other one has.
    is_of_token: bool,
    /// Where the caller sends a token: the new one to Redis, the login's own to be compared.
    token_at: Option<usize>,
    check: fn(answer: &[u8], id: &[u8]) -> Check,
    /// The id in each answer, if it is not the one that was asked for.
    answers_with: Option<&'static str>,
}

pub enum Check {
    Incomplete,
    /// The answer is complete and as it should be.
    Good,
    /// Complete or not, it is not what was asked for.
    Bad,
}

impl Exchange {
    pub fn new(operation: &Operation, dataset: &Dataset) -> Self {
        match operation {
            Operation::Refresh => Self::http(refresh_request(dataset), None),
            Operation::CompareAndRotate => Self::presenting(compare_request(dataset)),
            Operation::Get => Self::http(get_request(dataset), None),
            Operation::BaselineRefresh => {
                Self::http(refresh_request(dataset), Some(BASELINE_LOGIN_ID))
            }
            Operation::BaselineGet => Self::http(get_request(dataset), Some(BASELINE_LOGIN_ID)),
            Operation::GetProfile => Self::of_profile(get_profile_request(dataset)),
            Operation::GetProfileByUsername => Self {
                check: check_username,
                ..Self::http(get_username_request(dataset), None)
            },
            Operation::QueryOneUsername => Self {
                check: check_username,
                ..Self::http(query_request(dataset, "one_by_query"), None)
            },
            Operation::QueryListUsername => Self {
                check: check_list,
                ..Self::http(query_request(dataset, "by_query"), None)
            },
            Operation::CreateProfile => Self {
                is_of_token: true,
                check: check_username,
                ..Self::http(create_profile_request(dataset), None)
            },
            Operation::Visits(_) => unreachable!("a visit is many requests"),
            Operation::Redis { script } => {
                Self::redis(redis::rotate_request(script, PLACEHOLDER, PLACEHOLDER))
            }
        }
    }

    /// The request for this login.
    pub fn aim(&mut self, id: &Uuid, token: &Uuid) -> &[u8] {
        let id = if self.is_of_token { token } else { id };
        if self.is_of_profile {
            let id = profile_id(id);
            self.request[self.id_at..][..id.len()].copy_from_slice(&id);
        } else {
            self.request[self.id_at..][..Uuid::LEN].copy_from_slice(id.as_bytes());
        }
        if let Some(at) = self.token_at {
            self.request[at..][..Uuid::LEN].copy_from_slice(token.as_bytes());
        }
        &self.request
    }

    /// Whether `answer` is the whole and right answer to the request for this login.
    pub fn check(&self, answer: &[u8], id: &Uuid) -> Check {
        if self.is_of_profile {
            return (self.check)(answer, &profile_id(id));
        }
        if self.is_of_token {
            return (self.check)(answer, &self.request[self.id_at..][..Uuid::LEN]);
        }
        let expected = self.answers_with.map_or(&id.as_bytes()[..], str::as_bytes);
        (self.check)(answer, expected)
    }

    fn http(request: String, answers_with: Option<&'static str>) -> Self {
        Self {
            id_at: request
                .find(PLACEHOLDER)
                .expect("the path has a placeholder for the id"),
            is_of_profile: false,
            is_of_token: false,
            token_at: None,
            request: request.into_bytes(),
            check: check_http,
            answers_with,
        }
    }

    /// A request that has a placeholder for the id of a profile.
    fn of_profile(request: String) -> Self {
        Self {
            id_at: request
                .find(NO_PROFILE)
                .expect("the path has a placeholder for the id"),
            is_of_profile: true,
            is_of_token: false,
            token_at: None,
            request: request.into_bytes(),
            check: check_http,
            answers_with: None,
        }
    }

    /// A request that has a placeholder for the id, and after it one for the token.
    fn presenting(request: String) -> Self {
        Self {
            token_at: request.rfind(PLACEHOLDER),
            ..Self::http(request, None)
        }
    }

    fn redis(request: String) -> Self {
        Self {
            id_at: request
                .find(PLACEHOLDER)
                .expect("the command has a placeholder for the id"),
            is_of_profile: false,
            is_of_token: false,
            token_at: request.rfind(PLACEHOLDER),
            request: request.into_bytes(),
            check: redis::check_rotated,
            answers_with: None,
        }
    }
}

/// The body of an HTTP answer, once it is complete.
pub fn http_body(answer: &[u8]) -> Option<&[u8]> {
    let head_len = find(answer, b"\r\n\r\n")?;
    let body = &answer[head_len + 4..];
    let body_len = content_length(&answer[..head_len])?;
    body.get(..body_len)
}

/// The token in an HTTP response that has a login.
pub fn token_of(answer: &[u8]) -> Option<Uuid> {
    const NAME: &[u8] = b"\"token\":\"";
    let body = http_body(answer)?;
    let at = find(body, NAME)? + NAME.len();
    Uuid::from_text(body.get(at..at + Uuid::LEN)?)
}

fn refresh_request(dataset: &Dataset) -> String {
    refresh_with(format!("accessTokenId={}", dataset.access_token().as_str()))
}

fn compare_request(dataset: &Dataset) -> String {
    refresh_with(format!(
        "accessTokenId={}&token={PLACEHOLDER}",
        dataset.access_token().as_str()
    ))
}

/// A refresh of a login that presents a token.
pub fn refresh_with_token(access_token: &Uuid, id: &Uuid, token: &Uuid) -> Vec<u8> {
    let (access_token, token) = (access_token.as_str(), token.as_str());
    let request = refresh_with(format!("accessTokenId={access_token}&token={token}"));
    request.replacen(PLACEHOLDER, id.as_str(), 1).into_bytes()
}

fn refresh_with(body: String) -> String {
    format!(
        "POST {PATH}/{PLACEHOLDER}/refresh_token HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn get_request(dataset: &Dataset) -> String {
    let access_token = dataset.access_token();
    format!(
        "GET {PATH}/{PLACEHOLDER}?accessTokenId={} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        access_token.as_str()
    )
}

fn get_profile_request(dataset: &Dataset) -> String {
    get_request(dataset)
        .replacen(PATH, PROFILES, 1)
        .replacen(PLACEHOLDER, NO_PROFILE, 1)
}

fn get_username_request(dataset: &Dataset) -> String {
    let access_token = dataset.access_token();
    format!(
        "GET {PROFILES}/by_username?accessTokenId={}&tenantName=default&username={PLACEHOLDER} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\r\n",
        access_token.as_str()
    )
}

/// A query for the profile with a username, as JSON.
fn query_request(dataset: &Dataset, endpoint: &str) -> String {
    let access_token = dataset.access_token();
    format!(
        "GET {PROFILES}/{endpoint}?accessTokenId={}&tenantName=default\
         &query=%7B%22username%22%3A%22{PLACEHOLDER}%22%7D HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        access_token.as_str()
    )
}

fn create_profile_request(dataset: &Dataset) -> String {
    let body = format!(
        "accessTokenId={}&tenantName=default&username={PLACEHOLDER}&email=someone@example.com&enabled=true&role=USER\
         &attributes=%7B%22attribute0%22%3A%22Jane%22%2C%22attribute1%22%3A%22Doe%22%7D",
        dataset.access_token().as_str()
    );
    format!(
        "POST {PROFILES}/create HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The id of the profile whose username is this UUID.
pub fn profile_id(username: &Uuid) -> [u8; 24] {
    let mut id = [0; 24];
    let digits = username.as_bytes().iter().filter(|byte| **byte != b'-');
    for (to, from) in id.iter_mut().zip(digits) {
        *to = *from;
    }
    id
}

fn check_http(answer: &[u8], id: &[u8]) -> Check {
    const STATUS: &[u8] = b"HTTP/1.1 200 ";
    let seen = answer.len().min(STATUS.len());
    if answer[..seen] != STATUS[..seen] {
        return Check::Bad;
    }
    // The id is the last field of a persistent login.
    match http_body(answer) {
        None => Check::Incomplete,
        Some(body)
            if body
                .strip_suffix(b"\"}")
                .is_some_and(|row| row.ends_with(id)) =>
        {
            Check::Good
        }
        Some(_) => Check::Bad,
    }
}

/// As [`check_http`] of a profile, whose first field is its username.
fn check_username(answer: &[u8], username: &[u8]) -> Check {
    match check_http(answer, b"") {
        Check::Good => check_first_field(http_body(answer).unwrap_or_default(), username),
        other => other,
    }
}

/// As [`check_username`] of a list of one profile.
fn check_list(answer: &[u8], username: &[u8]) -> Check {
    const STATUS: &[u8] = b"HTTP/1.1 200 ";
    if !answer.starts_with(&STATUS[..answer.len().min(STATUS.len())]) {
        return Check::Bad;
    }
    match http_body(answer) {
        None => Check::Incomplete,
        Some(body) => match body
            .strip_prefix(b"[")
            .and_then(|body| body.strip_suffix(b"]"))
        {
            Some(profile) => check_first_field(profile, username),
            None => Check::Bad,
        },
    }
}

fn check_first_field(profile: &[u8], username: &[u8]) -> Check {
    const FIRST_FIELD: &[u8] = b"{\"username\":\"";
    match profile.strip_prefix(FIRST_FIELD) {
        Some(rest) if rest.starts_with(username) => Check::Good,
        _ => Check::Bad,
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    head.split(|byte| *byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))
        .and_then(|line| str::from_utf8(&line[NAME.len()..]).ok())
        .and_then(|value| value.trim().parse().ok())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
