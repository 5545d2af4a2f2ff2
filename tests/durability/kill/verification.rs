//! Verification tokens and mails of the real server, which is killed with SIGKILL at random moments: a mail is queued
//! with its token, or neither is; what was acknowledged stays; and a token that was used does not work again.

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::tables::verification_token::{
    VerificationTokenDigest, VerificationTokenId,
};
use rememberd::testing::{
    DataDirectory, Fixed, JOURNALED, Journal, Opening, Read, Table, open_database,
};

use crate::kill::access::{Api, json};
use crate::kill::server::Server;
use crate::kill::{spin, work_until_killed};
use crate::support;

/// The number of times that the server is killed.
const ROUNDS: usize = 15;

const CLIENTS: usize = 3;

/// The most responses of a server before it is killed.
const RESPONSES_MAX: usize = 60;

/// The most microseconds between the last of them and the kill: about as long as a commit takes.
const KILL_DELAY_MICROS_MAX: u64 = 3_000;

const PROFILE: &str = "5925a68def86951f895cf497";

/// The digest of a verification token.
type Digest = [u8; 16];

/// A request without a response.
enum Pending {
    Reset,
    Create,
    Verify(String),
}

/// A client, and what the responses say.
struct Client {
    random: StdRng,
    /// How many mails were queued.
    resets: usize,
    /// The tokens that were not used.
    valid: BTreeSet<String>,
    used: BTreeSet<String>,
    pending: Option<Pending>,
}

impl Client {
    /// Sends requests until the server is killed. Sends a message for each response.
    fn work(&mut self, address: &str, acknowledged: &Sender<()>) {
        let api = Api::new(address);
        while self.request(&api).is_some() {
            acknowledged
                .send(())
                .expect("the test waits until the clients have ended");
        }
    }

    /// Sends a random request. Returns `None` if no response arrived.
    fn request(&mut self, api: &Api) -> Option<()> {
        let chosen = self.random.random_range(0..3);
        let path = |action| format!("profile/{PROFILE}/{action}");
        if chosen == 0 {
            self.pending = Some(Pending::Reset);
            let url = ("resetPasswordUrl", "https://shop.example/reset");
            api.post(&path("reset_password"), &[url])?;
            self.resets += 1;
        } else if chosen == 1
            && let Some(id) = self.valid.pop_first()
        {
            self.pending = Some(Pending::Verify(id.clone()));
            api.post("profile/verify", &[("verificationTokenId", &id)])?;
            self.used.insert(id);
        } else {
            self.pending = Some(Pending::Create);
            let body = api.post(&path("verification_token/create"), &[])?;
            let id = json(&body)["id"].as_str().expect("a text").to_owned();
            self.valid.insert(id);
        }
        self.pending = None;
        Some(())
    }

    /// Asserts that tokens work as the responses say, and looks up what the one without a response did.
    fn assert_matches(&mut self, api: &Api) {
        let is_valid = |id: &str| {
            let path = format!("profile/verification_token/{id}");
            let (status, body) = api.get(&path).expect("the server runs");
            assert!(status == 200 || status == 404, "{status} {body}");
            status == 200
        };
        if let Some(Pending::Verify(id)) = self.pending.take() {
            let known = if is_valid(&id) {
                &mut self.valid
            } else {
                &mut self.used
            };
            known.insert(id);
        }
        for id in &self.valid {
            assert!(is_valid(id), "{id} is lost");
        }
        for id in &self.used {
            let form = [("verificationTokenId", id.as_str())];
            let answer = api.send("profile/verify", &form);
            let (status, body) = answer.expect("the server runs");
            assert_eq!(status, 404, "{id} was used twice: {body}");
        }
    }
}

#[test]
fn a_mail_is_queued_with_its_token_and_a_token_serves_once() {
    let mut random = StdRng::seed_from_u64(support::test_seed());
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| Client {
            random: StdRng::seed_from_u64(random.next_u64()),
            resets: 0,
            valid: BTreeSet::new(),
            used: BTreeSet::new(),
            pending: None,
        })
        .collect();
    let mut stored = Stored::default();
    for _ in 0..support::size("REMEMBERD_TEST_ROUNDS", ROUNDS) {
        let server = Server::start(&data);
        let responses_until_kill = random.random_range(1..=RESPONSES_MAX);
        let delay = Duration::from_micros(random.random_range(0..KILL_DELAY_MICROS_MAX));
        let address = server.address.clone();
        let before: usize = clients.iter().map(|client| client.resets).sum();
        work_until_killed(
            &mut clients,
            responses_until_kill,
            |client, acknowledged| client.work(&address, acknowledged),
            |_| {
                spin(delay);
                drop(server);
            },
        );
        let resets = clients.iter().map(|client| client.resets).sum::<usize>() - before;
        stored = Stored::read(&data, &stored, &clients, resets);
        let server = Server::start(&data);
        for client in &mut clients {
            client.assert_matches(&Api::new(&server.address));
        }
    }
    let used: usize = clients.iter().map(|client| client.used.len()).sum();
    let mails = stored.mails.len();
    eprintln!("{mails} mails, {used} tokens were used");
    assert!(mails > 0 && used > 0);
}

/// What the file holds after a kill.
#[derive(Default)]
struct Stored {
    /// The digests of the tokens that mails are queued for.
    mails: BTreeSet<Digest>,
    /// The digests of the tokens whose creation was not acknowledged.
    unknown: BTreeSet<Digest>,
}

impl Stored {
    /// Reads the file, and asserts that it has what was there `before`, `resets` more mails, what was acknowledged
    /// else, and of each pending request all or nothing.
    fn read(data: &Path, before: &Self, clients: &[Client], resets: usize) -> Self {
        let directory = DataDirectory::lock(data).expect("the server has ended");
        let source = support::key_source(directory.database_path());
        let (engine, keys) = open_database(&directory, &support::OPTIONS, Opening::Start, &source)
            .expect("it opens");
        let journal =
            Journal::open(engine, JOURNALED, &support::tiny_journal(), 0).expect("it opens");
        let snapshot = journal.newest();
        let mut tokens = BTreeSet::<Digest>::new();
        let table = Table::<Fixed<16>>::new("verification_token");
        let scanned = snapshot.scan(&table, Bound::Unbounded, |key, _| {
            tokens.insert(*key);
            Ok(ControlFlow::Continue(()))
        });
        scanned.expect("it can be read");
        let mut mails = BTreeSet::<Digest>::new();
        let table = Table::<Fixed<24>>::new("mail_outbox");
        let scanned = snapshot.scan(&table, Bound::Unbounded, |key, _| {
            // Its due moment is before it.
            mails.insert(key[8..].try_into().expect("16 bytes"));
            Ok(ControlFlow::Continue(()))
        });
        scanned.expect("it can be read");

        let pending = |is: fn(&Pending) -> bool| {
            let requests = clients.iter().filter_map(|client| client.pending.as_ref());
            requests.filter(|&request| is(request)).count()
        };
        assert!(mails.is_superset(&before.mails), "a mail is lost");
        let new = mails.len() - before.mails.len();
        let resets_max = resets + pending(|request| matches!(request, Pending::Reset));
        assert!(
            (resets..=resets_max).contains(&new),
            "{new} mails of {resets} resets"
        );
        assert!(mails.is_subset(&tokens), "a mail has no token");
        let digest = |id: &String| {
            let id = VerificationTokenId::parse(id).expect("a UUID");
            let digest = VerificationTokenDigest::possible(id, &keys).next();
            *digest.expect("there is a key").as_bytes()
        };
        let mut known: BTreeSet<_> = clients
            .iter()
            .flat_map(|client| client.valid.iter().map(digest))
            .collect();
        assert!(known.is_subset(&tokens), "a token is lost");
        known.extend(clients.iter().filter_map(|client| match &client.pending {
            Some(Pending::Verify(id)) => Some(digest(id)),
            Some(Pending::Reset | Pending::Create) | None => None,
        }));
        let unknown: BTreeSet<_> = tokens
            .into_iter()
            .filter(|token| !mails.contains(token) && !known.contains(token))
            .collect();
        let new = unknown.difference(&before.unknown).count();
        let created_max = pending(|request| matches!(request, Pending::Create));
        assert!(
            new <= created_max,
            "{new} tokens have no mail, or were used"
        );
        Self { mails, unknown }
    }
}
