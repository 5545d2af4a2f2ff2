//! Uploads to the real server, which is killed with SIGKILL at random moments: an attachment has its old content or the
//! new one, as a whole; one that was acknowledged stays; and nothing stays of what was cut off or replaced.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::service::attachment::remove_orphans;
use rememberd::testing::{Fixed, Read, Table};

use crate::faults::client::{lock, opener, runtime, serve};
use crate::faults::faulty_disk::FaultyDisk;
use crate::kill::server::Server;
use crate::kill::work_until_killed;
use crate::support::{self, attachment, process};

/// The number of times that the server is killed.
const ROUNDS: usize = 12;

const CLIENTS: usize = 3;

/// The most responses of a server before it is killed.
const RESPONSES_MAX: usize = 6;

/// The most time between the last of them and the kill: about as long as an upload takes.
const KILL_DELAY_MAX: Duration = Duration::from_millis(60);

/// The most bytes of a content: some chunks.
const SIZE_MAX: usize = 600_000;

/// The bytes of a chunk.
const CHUNK_BYTES: usize = (64 << 10) - 256;

/// A client, which replaces an attachment of its own again and again.
struct Client {
    random: StdRng,
    name: String,
    /// The content that was acknowledged.
    stored: Option<Vec<u8>>,
    /// The content of an upload without a response.
    pending: Option<Vec<u8>>,
}

impl Client {
    /// Uploads until the server is killed. Sends a message for each response.
    fn work(&mut self, address: &str, acknowledged: &Sender<()>) {
        let agent = process::agent(None);
        loop {
            let content = self.content();
            self.pending = Some(content.clone());
            let Some((status, body)) = attachment::upload(&agent, address, &self.name, &content)
            else {
                return;
            };
            assert_eq!(status, 200, "{body}");
            self.stored = self.pending.take();
            acknowledged
                .send(())
                .expect("the test waits until the clients have ended");
        }
    }

    fn content(&mut self) -> Vec<u8> {
        let mut content = attachment::PNG.to_vec();
        content.resize(self.random.random_range(content.len()..SIZE_MAX), 0);
        self.random
            .fill_bytes(&mut content[attachment::PNG.len()..]);
        content
    }

    /// Asserts that the attachment is what was acknowledged, or what was on its way, as a whole.
    fn assert_matches(&mut self, address: &str) {
        let found = attachment::download(&process::agent(None), address, &self.name);
        let pending = self.pending.take();
        assert!(
            found == self.stored || pending.is_some() && found == pending,
            "{} is neither what was stored nor what was uploaded",
            self.name
        );
        self.stored = found;
    }
}

#[test]
fn an_attachment_is_replaced_as_a_whole_or_not_at_all() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client {
            random: StdRng::seed_from_u64(random.next_u64()),
            name: format!("picture-{number}"),
            stored: None,
            pending: None,
        })
        .collect();
    let mut cut_off = 0;
    for _ in 0..support::size("REMEMBERD_TEST_ROUNDS", ROUNDS) {
        let server = Server::start(&data);
        for client in &mut clients {
            client.assert_matches(&server.address);
        }
        load_and_kill(server, &mut clients, &mut random);
        cut_off += clients
            .iter()
            .filter(|client| client.pending.is_some())
            .count();
        assert_consistent(&data);
    }
    let server = Server::start(&data);
    for client in &mut clients {
        client.assert_matches(&server.address);
    }
    drop(server);
    eprintln!("{cut_off} uploads were cut off");
    assert!(cut_off > 0);
    assert_nothing_is_left(&data, &clients);
}

/// Runs the clients until the server is killed after a random number of responses.
fn load_and_kill(server: Server, clients: &mut [Client], random: &mut StdRng) {
    let responses_until_kill = random.random_range(0..=RESPONSES_MAX);
    let delay = KILL_DELAY_MAX.mul_f64(random.random());
    let address = server.address.clone();
    work_until_killed(
        clients,
        responses_until_kill,
        |client, acknowledged| client.work(&address, acknowledged),
        |responses| {
            // Whatever is acknowledged meanwhile, the server is killed amid uploads.
            let ended = responses.recv_timeout(delay);
            assert_ne!(ended, Err(RecvTimeoutError::Disconnected));
            drop(server);
        },
    );
}

/// Asserts that each attachment has its content, and each content its attachment or is known to be removed.
fn assert_consistent(data: &Path) {
    let checked = Command::new(env!("CARGO_BIN_EXE_rememberd"))
        .args(["check", "--data-dir"])
        .arg(data)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the executable is there");
    assert!(checked.status.success(), "{checked:?}");
}

/// Asserts that once background work has run, the database has the chunks of the attachments alone.
fn assert_nothing_is_left(data: &Path, clients: &[Client]) {
    let path = lock(data).database_path();
    let disk = FaultyDisk::new(fs::read(path).expect("it is readable"), 0);
    let (chunks, orphans) = runtime().block_on(async {
        let app = serve(&[], opener(&disk), 0).await;
        remove_orphans(&app).await.expect("the disk works");
        let (chunks, orphans) = (
            Table::<Fixed<20>>::new("attachment_chunk"),
            Table::<Fixed<16>>::new("attachment_orphan"),
        );
        let counts = app
            .store
            .read(|txn| Ok((txn.count(&chunks)?, txn.count(&orphans)?)));
        app.store.close().await.expect("it closes");
        counts.expect("the disk works")
    });
    let contents = clients.iter().filter_map(|client| client.stored.as_ref());
    let expected: usize = contents
        .map(|content| content.len().div_ceil(CHUNK_BYTES))
        .sum();
    assert_eq!((chunks, orphans), (expected as u64, 0));
}
