//! One refresh and one look-up by hand, before the load: that the server under test rotates at all, and how many bytes
//! travel, so that the table can say whether the baseline was asked for the same.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::dataset::{Dataset, Uuid};
use crate::exchange::{ANSWER_BYTES_MAX, Check, Exchange, http_body};
use crate::load::Operation;

const ANSWER_TIMEOUT_SECS: u64 = 10;

/// Bytes on the wire, heads included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub refresh_request: usize,
    pub refresh_answer: usize,
    pub get_request: usize,
    pub get_answer: usize,
}

struct Answer {
    request_bytes: usize,
    answer_bytes: usize,
    token: String,
}

/// Two refreshes give two tokens, and the look-up gives the second one.
pub fn check_rotation(address: SocketAddr, dataset: &Dataset) -> Sizes {
    let first = exchange(address, &Operation::Refresh, dataset);
    let second = exchange(address, &Operation::Refresh, dataset);
    let row = exchange(address, &Operation::Get, dataset);
    assert_ne!(first.token, second.token, "a refresh gives a new token");
    assert_eq!(
        second.token, row.token,
        "the last refresh is what a look-up finds"
    );
    Sizes::of(&second, &row)
}

pub fn baseline_sizes(address: SocketAddr, dataset: &Dataset) -> Sizes {
    let refreshed = exchange(address, &Operation::BaselineRefresh, dataset);
    let row = exchange(address, &Operation::BaselineGet, dataset);
    Sizes::of(&refreshed, &row)
}

fn exchange(address: SocketAddr, operation: &Operation, dataset: &Dataset) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server accepts a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(ANSWER_TIMEOUT_SECS)))
        .expect("the time-out is not zero");
    let mut exchange = Exchange::new(operation, dataset);
    let id = dataset.login_id(0);
    let request = exchange.aim(&id, &dataset.first_token(0));
    let request_bytes = request.len();
    stream
        .write_all(request)
        .expect("the server reads the request");
    let answer = read_answer(&mut stream, &exchange, &id);
    Answer {
        request_bytes,
        answer_bytes: answer.len(),
        token: token_of(&answer),
    }
}

fn read_answer(stream: &mut TcpStream, exchange: &Exchange, id: &Uuid) -> Vec<u8> {
    let mut buffer = [0; ANSWER_BYTES_MAX];
    let mut filled = 0;
    loop {
        let count = stream
            .read(&mut buffer[filled..])
            .expect("the server answers in time");
        filled += count;
        let answer = &buffer[..filled];
        match exchange.check(answer, id) {
            Check::Good => return answer.to_vec(),
            Check::Incomplete if count > 0 => {}
            Check::Incomplete | Check::Bad => {
                panic!(
                    "not the answer expected: {}",
                    String::from_utf8_lossy(answer)
                )
            }
        }
    }
}

fn token_of(answer: &[u8]) -> String {
    let body = http_body(answer).expect("a checked answer is complete");
    let row: Value = serde_json::from_slice(body).expect("a persistent login is JSON");
    let token = row["token"]
        .as_str()
        .expect("a persistent login has a token");
    token.to_owned()
}

impl Sizes {
    fn of(refreshed: &Answer, row: &Answer) -> Self {
        Self {
            refresh_request: refreshed.request_bytes,
            refresh_answer: refreshed.answer_bytes,
            get_request: row.request_bytes,
            get_answer: row.answer_bytes,
        }
    }
}
