//! How long the list of a profile's logins takes, in look-ups of one login.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::dataset::{Dataset, LARGE_PROFILE_LOGINS};
use crate::exchange::http_body;
use crate::sample::Spread;

const ROUNDS: usize = 5;
const REQUESTS_PER_ROUND: usize = 200;
const ANSWER_TIMEOUT_SECS: u64 = 10;
/// Larger than the list of a thousand logins.
const ANSWER_BYTES_MAX: usize = 1 << 20;

const PATH: &str = "/crafter-profile/api/1/authentication/persistent_login";

/// Times on one connection, as multiples of one GET in the same round.
pub struct Listing {
    /// The first page, as long as it is unless the request says otherwise.
    pub page: Option<Spread>,
    /// All thousand logins.
    pub whole: Option<Spread>,
}

pub fn measure(address: SocketAddr, dataset: &Dataset) -> Listing {
    let mut client = Client::connect(address);
    let access = format!("accessTokenId={}", dataset.access_token().as_str());
    let id = dataset.login_id(0);
    let get = format!("{PATH}/{}?{access}", id.as_str());
    let profile = dataset.profile_id(0);
    let page = format!("{PATH}/by_profile?{access}&profileId={profile}");
    let whole = format!("{page}&count={LARGE_PROFILE_LOGINS}");
    let listed = client.get(&whole).matches("\"id\":").count() as u64;
    assert_eq!(listed, LARGE_PROFILE_LOGINS, "the list is complete");
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let one = client.median(&get);
            (client.median(&page) / one, client.median(&whole) / one)
        })
        .collect();
    Listing {
        page: Spread::of(rounds.iter().map(|round| round.0)),
        whole: Spread::of(rounds.iter().map(|round| round.1)),
    }
}

/// One connection, one request at a time.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts a connection");
        stream.set_nodelay(true).expect("the connection is open");
        stream
            .set_read_timeout(Some(Duration::from_secs(ANSWER_TIMEOUT_SECS)))
            .expect("the time-out is not zero");
        Self {
            stream,
            buffer: vec![0; ANSWER_BYTES_MAX],
        }
    }

    /// The body of the answer, which must be a 200.
    pub fn get(&mut self, target: &str) -> String {
        let (status, body) = self.send(&format!("GET {target}"), "");
        assert_eq!(status, "200", "{body}");
        body
    }

    /// The status and the body of the answer to a request with this form.
    pub fn send(&mut self, request: &str, form: &str) -> (String, String) {
        let head = format!(
            "{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        self.stream
            .write_all(head.as_bytes())
            .expect("the server reads the request");
        let mut filled = 0;
        loop {
            let count = self
                .stream
                .read(&mut self.buffer[filled..])
                .expect("the server answers in time");
            assert!(count > 0, "the server keeps the connection");
            filled += count;
            let answer = &self.buffer[..filled];
            if let Some(body) = http_body(answer) {
                let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
                return (status, String::from_utf8_lossy(body).into_owned());
            }
        }
    }

    /// The median time of a request, in seconds.
    fn median(&mut self, target: &str) -> f64 {
        let mut times: Vec<_> = (0..REQUESTS_PER_ROUND)
            .map(|_| {
                let began = Instant::now();
                self.get(target);
                began.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}
