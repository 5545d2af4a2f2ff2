//! Lists that are too long to be kept in memory: they are sent in pieces.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::{Client, LOGINS, Listed};
use crate::support::fixture::{self, ADMIN, NOW, PROFILE, TOKEN};
use crate::support::server::{Server, Setup, wait_until};

/// More logins than a piece has.
const COUNT: usize = 1_000;

/// What a list of them takes while it is being sent.
const KIB: usize = 48;

/// One of the logins.
const ONE: &str = "00000000-0000-4000-8000-000000000007";

/// More requests for a list than the operating system has buffers for their responses.
const UNREAD: usize = 40;

fn seed() -> Value {
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let logins: Vec<_> = (0..COUNT)
        .map(|number| fixture::login(&id(number), TOKEN, PROFILE, "default", NOW))
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    seed
}

fn server() -> Server {
    Setup::new().seed(seed()).start()
}

fn request(method: &str, version: &str) -> String {
    format!(
        "{method} {LOGINS}/by_profile?accessTokenId={ADMIN}&profileId={PROFILE}&count={COUNT} HTTP/{version}\r\n\
         Host: x\r\n\r\n"
    )
}

/// The whole list, read in short ones, which are sent whole.
fn paged(client: &Client) -> Vec<Listed> {
    let pages = (0..COUNT).step_by(50).map(|start| {
        let page = client.by_profile(PROFILE, &format!("&start={start}&count=50"));
        assert_eq!(page.header("transfer-encoding"), "");
        page.list()
    });
    pages.flatten().collect()
}

#[test]
fn a_long_list_is_sent_in_pieces() {
    let server = server();
    let client = server.client();
    let expected = paged(&client);
    assert_eq!(expected.len(), COUNT);
    for (count, is_in_pieces) in [(1, false), (64, false), (65, true), (COUNT, true)] {
        let response = client.by_profile(PROFILE, &format!("&count={count}"));
        assert_eq!(response.list(), expected[..count], "{count}");
        let coding = response.header("transfer-encoding");
        assert_eq!(coding == "chunked", is_in_pieces, "{count}");
    }
    // The connection goes on.
    let mut wire = server.wire();
    wire.send(request("HEAD", "1.1") + &request("HEAD", "1.1"));
    for _ in 0..2 {
        let head = wire.response();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-length"), "");
    }
}

#[test]
fn a_client_of_http_1_0_gets_a_long_list_until_the_close() {
    let server = server();
    let mut wire = server.wire();
    wire.send(request("GET", "1.0"));
    let head = wire.response();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, ""));
    let body = wire.rest();
    let list: Vec<Listed> = serde_json::from_str(&body).expect("a list of logins");
    assert_eq!(list, paged(&server.client()));
}

#[test]
fn lists_that_are_being_sent_take_bounded_memory() {
    let server = server();
    let client = server.client();
    let memory = &server.app.list_memory;
    let all = memory.available_permits();
    let longest = || client.by_profile(PROFILE, &format!("&count={COUNT}"));
    let others = memory.try_acquire_many((all - KIB + 1) as u32);
    let others = others.expect("there is room");
    let refused = longest();
    let message = "The server is overloaded; nothing was changed";
    refused.assert_error(503, "OTHER", message);
    assert_eq!(refused.header("retry-after"), "1");
    // Short lists and other requests are served.
    assert_eq!(client.by_profile(PROFILE, "&count=10").list().len(), 10);
    client.read(ONE).login();
    drop(others);
    assert_eq!(longest().list().len(), COUNT);
    // Whoever reads nothing keeps room for one list, whatever else it asks for, until it disconnects.
    let mut unread = server.wire();
    unread.send(request("GET", "1.1").repeat(UNREAD));
    wait_until("a list is being sent", || {
        memory.available_permits() == all - KIB
    });
    drop(unread);
    wait_until("the memory is free", || memory.available_permits() == all);
}

#[test]
fn a_client_that_reads_slowly_gets_the_whole_list() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    const LISTS: usize = 5;
    let server = Setup::new()
        .seed(seed())
        .flag("--write-timeout=1s")
        .flag("--idle-timeout=1s")
        .start();
    let list = server
        .client()
        .by_profile(PROFILE, &format!("&count={COUNT}"));
    let length = list.body.len();
    let mut slow = server.wire();
    slow.receive_at_most(64 << 10);
    let began = Instant::now();
    slow.send(request("GET", "1.1").repeat(LISTS));
    slow.read_slowly(LISTS * length, Duration::from_millis(8));
    assert!(began.elapsed() > 2 * TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn a_client_that_reads_slowly_gets_the_whole_list_at_a_stop() {
    // The list takes longer than a client that receives nothing has at a stop.
    const PAUSE: Duration = Duration::from_millis(15);
    let server = Setup::new().seed(seed()).flag("--drain-timeout=1h").start();
    let list = server
        .client()
        .by_profile(PROFILE, &format!("&count={COUNT}"));
    let length = list.body.len();
    let mut slow = server.wire();
    slow.receive_at_most(64 << 10);
    slow.send(request("GET", "1.1"));
    slow.read_slowly(1, Duration::ZERO);
    let reading = thread::spawn(move || {
        slow.read_slowly(length, PAUSE);
        slow.rest()
    });
    server.stop();
    let read = reading.join().expect("the server sends all of it");
    assert!(read.ends_with("\r\n0\r\n\r\n"), "it is cut off");
}
