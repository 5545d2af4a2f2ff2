//! What honest clients get while the server is attacked: a new client's time from connecting to the answer, the
//! requests that a client with a pool of connections loses, and the server's memory.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::attacker::{Attack, Target, form_request, get_request};
use crate::dataset::{Dataset, LARGE_PROFILE_LOGINS, Random};
use crate::exchange::http_body;
use crate::listing::Client;
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::sample::Round;
use crate::workspace::Workspace;

/// The logins that honest clients use, and those of the profile with the long list, which crowds them out.
const LOGINS: u64 = 4_000;
const CROWDED_OUT: u64 = 2;
/// The connections in the honest client's pool, and how long each rests between two requests at most.
const POOL: u64 = 4;
const REST_MILLISECONDS_MAX: u64 = 20;
/// How long a new client rests between two connections.
const NEW_CLIENT_REST: Duration = Duration::from_millis(5);
/// A client that waits longer gives up, and its request counts as lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 4_096;
const BYTES_PER_MB: f64 = 1e6;

/// One row of the table.
pub struct AttackRow {
    pub name: String,
    /// From connecting to the answer, of clients that connect for each request.
    pub new_client: Round,
    /// From sending to the answer, on connections that are kept.
    pub pooled: Round,
    /// The most that the server took.
    pub memory_mb: f64,
}

/// The latencies of requests that succeeded, in microseconds, and how many did not.
#[derive(Default)]
struct Tally {
    latencies: Vec<f64>,
    lost: u64,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Vec<AttackRow> {
    let bench = Bench::prepare(plan, workspace);
    let attacks = Attack::ALL.map(Some);
    [None]
        .into_iter()
        .chain(attacks)
        .map(|attack| bench.row(attack))
        .collect()
}

struct Bench<'a> {
    plan: &'a Plan,
    dataset: Dataset,
    data_dir: PathBuf,
    log_path: PathBuf,
}

impl<'a> Bench<'a> {
    fn prepare(plan: &'a Plan, workspace: &Workspace) -> Self {
        let bench = Self {
            plan,
            dataset: Dataset {
                seed: plan.seed,
                logins: LOGINS + CROWDED_OUT,
            },
            data_dir: workspace.create_dir("data-attacks"),
            log_path: workspace.path().join("rememberd-attacks.log"),
        };
        let seed_path = workspace.path().join("seed-attacks.json");
        bench
            .dataset
            .write_seed_file(&seed_path)
            .expect("the workspace has room for the seed file");
        let server = Server::start(&bench.data_dir, Some(&seed_path), &bench.log_path);
        let target = bench.target(&server);
        // The longest texts, so that the list is long.
        let device = format!("label={}&userAgent={}", "ü".repeat(100), "ü".repeat(512));
        let form = format!(
            "accessTokenId={}&profileId={}&{device}",
            target.access_token, target.profile_id
        );
        let mut client = Client::connect(server.address);
        for _ in 0..LARGE_PROFILE_LOGINS {
            let (status, body) = client.send(
                "POST /crafter-profile/api/1/authentication/persistent_login/create",
                &form,
            );
            assert_eq!(status, "200", "{body}");
        }
        server.stop();
        bench
    }

    /// The last profile has a long list.
    fn target(&self, server: &Server) -> Target {
        Target {
            address: server.address,
            access_token: self.dataset.access_token().as_str().to_owned(),
            profile_id: self.dataset.profile_id(LOGINS),
        }
    }

    fn row(&self, attack: Option<Attack>) -> AttackRow {
        let name = attack.map_or_else(|| "no attack".to_owned(), Attack::name);
        eprintln!("rotation: {name}");
        let server = Server::start(&self.data_dir, None, &self.log_path);
        let attacking = attack.map(|attack| attack.spawn(&self.target(&server)));
        let is_over = AtomicBool::new(false);
        let address = server.address;
        let (new_client, pooled) = thread::scope(|scope| {
            let new_client = scope.spawn(|| self.connect_again_and_again(address, &is_over));
            let pool: Vec<_> = (0..POOL)
                .map(|number| {
                    let is_over = &is_over;
                    scope.spawn(move || self.keep_connection(address, number, is_over))
                })
                .collect();
            thread::sleep(self.plan.attack_measure);
            is_over.store(true, Ordering::Relaxed);
            let pooled = pool
                .into_iter()
                .map(|client| client.join().expect("it does not panic"));
            (
                new_client.join().expect("it does not panic"),
                pooled.fold(Tally::default(), Tally::add),
            )
        });
        let memory = server.memory();
        drop(attacking);
        server.stop();
        AttackRow {
            name,
            new_client: new_client.round(self.plan.attack_measure),
            pooled: pooled.round(self.plan.attack_measure),
            memory_mb: memory.peak as f64 / BYTES_PER_MB,
        }
    }

    /// A client that connects for each look-up.
    fn connect_again_and_again(&self, address: SocketAddr, is_over: &AtomicBool) -> Tally {
        let mut random = Random::new(self.dataset.seed, POOL);
        let mut tally = Tally::default();
        while !is_over.load(Ordering::Relaxed) {
            let id = self.dataset.login_id(random.below(LOGINS));
            let request = get_request(&self.dataset.access_token(), &id);
            let began = Instant::now();
            let answered = connect(address).and_then(|mut stream| exchange(&mut stream, &request));
            tally.count(began, answered.map(drop));
            thread::sleep(NEW_CLIENT_REST);
        }
        tally
    }

    /// One connection of a pool: it is replaced if it was closed while it rested.
    fn keep_connection(&self, address: SocketAddr, number: u64, is_over: &AtomicBool) -> Tally {
        let mut random = Random::new(self.dataset.seed, number);
        let mut tally = Tally::default();
        let mut kept: Option<TcpStream> = None;
        while !is_over.load(Ordering::Relaxed) {
            let id = self.dataset.login_id(random.below(LOGINS));
            let access_token = self.dataset.access_token();
            let form = format!("accessTokenId={}", access_token.as_str());
            let request = form_request(&format!("{}/refresh_token", id.as_str()), &form);
            let stream = kept.take().filter(is_open);
            let Ok(mut stream) = stream.map_or_else(|| connect(address), Ok) else {
                tally.lost += 1;
                continue;
            };
            let began = Instant::now();
            let answered = exchange(&mut stream, &request);
            if matches!(answered, Ok(true)) {
                kept = Some(stream);
            }
            tally.count(began, answered.map(drop));
            thread::sleep(Duration::from_millis(random.below(REST_MILLISECONDS_MAX)));
        }
        tally
    }
}

impl Tally {
    fn count(&mut self, began: Instant, answered: io::Result<()>) {
        match answered {
            Ok(()) => self.latencies.push(began.elapsed().as_micros() as f64),
            Err(error) => {
                if self.lost == 0 {
                    eprintln!("rotation: a request was lost: {error}");
                }
                self.lost += 1;
            }
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.latencies.extend(other.latencies);
        self.lost += other.lost;
        self
    }

    fn round(self, time: Duration) -> Round {
        Round {
            errors: self.lost,
            ..Round::from_latencies(self.latencies, time)
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    Ok(stream)
}

/// Whether the server has not closed the connection, as a pool looks before it uses one.
fn is_open(stream: &TcpStream) -> bool {
    let looked = stream
        .set_nonblocking(true)
        .and_then(|()| stream.peek(&mut [0]));
    let is_open = looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    is_open && stream.set_nonblocking(false).is_ok()
}

/// Whether the server keeps the connection after it has answered 200.
fn exchange(stream: &mut TcpStream, request: &str) -> io::Result<bool> {
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; ANSWER_BYTES_MAX];
    let mut filled = 0;
    loop {
        match stream.read(&mut answer[filled..])? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
        let answer = &answer[..filled];
        if let Some(body) = http_body(answer) {
            if !answer.starts_with(b"HTTP/1.1 200 ") {
                return Err(io::Error::other(String::from_utf8_lossy(body)));
            }
            let head = &answer[..filled - body.len()];
            let head = String::from_utf8_lossy(head).to_ascii_lowercase();
            return Ok(!head.contains("connection: close"));
        }
    }
}
