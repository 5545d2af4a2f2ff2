//! Bursts of ten requests with one cookie over a slow link: how long after the rotation the last of the replaced tokens
//! arrives. That is what the grace period is for.
//!
//! Each burst has a proxy of its own on the loopback interface, between ten connections of a client and the server. It
//! delays what goes through it as a link would: packets queue for the bandwidth that they share, and each is under way
//! for half a round trip. A lost packet is sent again after a second, then two, four and so on, as TCP does it before
//! it knows the link. So a request comes after the packets of its handshakes, as from a browser whose connections are
//! new.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::dataset::{Dataset, Random, Uuid};
use crate::exchange::{http_body, refresh_with_token};
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::workspace::Workspace;

/// The requests of a burst: a page's assets.
const ASSETS: usize = 10;

/// The grace periods of comparable systems, in seconds, that of this one among them.
pub const PEER_GRACES_SECS: [u32; 3] = [5, 30, 60];

/// The most bursts that are under way at once.
const BURSTS_AT_ONCE_MAX: usize = 100;

/// The open files of a burst: both ends of the client's connections, those to the server, and a listener.
const FILES_PER_BURST: usize = 3 * ASSETS + 1;

/// The time until a lost packet is sent again for the first time.
const RETRANSMISSION: Duration = Duration::from_secs(1);

const ANSWER_BYTES_MAX: usize = 4_096;

/// Packets in bytes: of a TCP handshake, of a TLS client's first flight, of a server's certificates, and of a request
/// with the header fields of a browser.
const SYN_BYTES: u32 = 60;
const HELLO_BYTES: u32 = 600;
const CERTIFICATE_BYTES: [u32; 3] = [1_400, 1_400, 800];
const REQUEST_BYTES: u32 = 1_000;

#[derive(Clone, Copy)]
struct Profile {
    name: &'static str,
    bits_per_second: u32,
    round_trip: Duration,
    /// Of 1,000 packets, how many are lost.
    lost_of_1000: u64,
}

const PROFILES: [Profile; 3] = [
    Profile {
        name: "EDGE: 60 kbit/s, 300 ms, 3 % lost",
        bits_per_second: 60_000,
        round_trip: Duration::from_millis(300),
        lost_of_1000: 30,
    },
    Profile {
        name: "satellite: 1 Mbit/s, 600 ms, 5 % lost",
        bits_per_second: 1_000_000,
        round_trip: Duration::from_millis(600),
        lost_of_1000: 50,
    },
    Profile {
        name: "bad mobile link: 200 kbit/s, 200 ms, 20 % lost",
        bits_per_second: 200_000,
        round_trip: Duration::from_millis(200),
        lost_of_1000: 200,
    },
];

/// The bursts over one link, in seconds from the rotation to the last of the replaced tokens.
pub struct SlowLink {
    pub name: &'static str,
    pub bursts: usize,
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    /// Of 100 bursts, how many were not over after each of [`PEER_GRACES_SECS`].
    pub beyond: [f64; PEER_GRACES_SECS.len()],
}

/// Measures every link with a server of its own.
pub fn measure(plan: &Plan, workspace: &Workspace) -> Vec<SlowLink> {
    if plan.bursts == 0 {
        return Vec::new();
    }
    let dataset = Dataset {
        seed: plan.seed,
        logins: (PROFILES.len() * plan.bursts) as u64,
    };
    let seed_file = workspace.path().join("slow-link.json");
    let written = dataset.write_seed_file(&seed_file);
    written.expect("the workspace is writable");
    let data_dir = workspace.create_dir("slow-link");
    let server = start(&data_dir, &seed_file, workspace.path());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.expect("a thread can be started");
    let links = runtime.block_on(all_links(plan, dataset, server.address));
    server.stop();
    links
}

fn start(data_dir: &Path, seed_file: &Path, logs: &Path) -> Server {
    Server::start(data_dir, Some(seed_file), &logs.join("slow-link.log"))
}

async fn all_links(plan: &Plan, dataset: Dataset, server: SocketAddr) -> Vec<SlowLink> {
    let permits = Arc::new(Semaphore::new(bursts_at_once()));
    let mut bursts = JoinSet::new();
    // The links take turns, so that each is measured all the time.
    for index in 0..PROFILES.len() * plan.bursts {
        let link = index % PROFILES.len();
        let burst = Burst {
            profile: PROFILES[link],
            server,
            login: dataset.login_id(index as u64),
            token: dataset.first_token(index as u64),
            access_token: dataset.access_token(),
            seed: plan.seed,
            stream: index as u64,
        };
        let permits = Arc::clone(&permits);
        bursts.spawn(async move {
            let _permit = permits.acquire().await.expect("it is never closed");
            (link, burst.run().await)
        });
    }
    let mut times = PROFILES.map(|_| Vec::new());
    while let Some(done) = bursts.join_next().await {
        let (link, lateness) = done.expect("a burst does not fail");
        times[link].push(lateness.as_secs_f64());
    }
    PROFILES.iter().zip(times).map(summary).collect()
}

/// As many as there may be open files for, of which a quarter is left for everything else.
fn bursts_at_once() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.map_or(usize::MAX, |files| files as usize);
    (files / 4 * 3 / FILES_PER_BURST).clamp(1, BURSTS_AT_ONCE_MAX)
}

fn summary((profile, mut times): (&Profile, Vec<f64>)) -> SlowLink {
    times.sort_by(f64::total_cmp);
    let quantile = |part: f64| times[((times.len() - 1) as f64 * part).ceil() as usize];
    SlowLink {
        name: profile.name,
        bursts: times.len(),
        p50: quantile(0.5),
        p99: quantile(0.99),
        max: quantile(1.0),
        beyond: PEER_GRACES_SECS.map(|grace| {
            let late = times.iter().filter(|time| **time > f64::from(grace));
            late.count() as f64 / times.len() as f64 * 100.0
        }),
    }
}

/// Ten requests at once with the token of one login.
struct Burst {
    profile: Profile,
    server: SocketAddr,
    login: Uuid,
    token: Uuid,
    access_token: Uuid,
    seed: u64,
    stream: u64,
}

impl Burst {
    /// How long after the rotation the last request arrived at the server.
    async fn run(self) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let proxy = listener.local_addr().expect("it is bound");
        let link = Arc::new(Link::new(self.profile, Random::new(self.seed, self.stream)));
        let request = refresh_with_token(&self.access_token, &self.login, &self.token);
        let mut tasks = JoinSet::new();
        let mut arrivals = JoinSet::new();
        for _ in 0..ASSETS {
            tasks.spawn(request_through(proxy, request.clone()));
            let (client, _) = listener.accept().await.expect("the client connects");
            arrivals.spawn(forward(
                client,
                self.server,
                Arc::clone(&link),
                request.len(),
            ));
        }
        let arrivals = arrivals.join_all().await;
        tasks.join_all().await;
        let rotated = arrivals.iter().map(|arrival| arrival.answered).min();
        let last = arrivals.iter().map(|arrival| arrival.arrived).max();
        let (rotated, last) = rotated.zip(last).expect("there are ten");
        last.saturating_duration_since(rotated)
    }
}

/// Sends a request as a client does. Asserts that it is answered with a login: no request of a burst is refused.
async fn request_through(proxy: SocketAddr, request: Vec<u8>) {
    let mut stream = TcpStream::connect(proxy).await.expect("the proxy accepts");
    stream.write_all(&request).await.expect("the proxy reads");
    let answer = read_answer(&mut stream).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 200 "),
        "a request of a burst: {text}"
    );
}

async fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::with_capacity(ANSWER_BYTES_MAX);
    while http_body(&answer).is_none() {
        let count = stream.read_buf(&mut answer).await.expect("it is open");
        assert!(count > 0, "the answer is complete");
    }
    answer
}

/// When a request arrived at the server, and when the server had answered it.
struct Arrival {
    arrived: Instant,
    answered: Instant,
}

/// Takes one request from the client to the server, and its answer back, as the link does.
async fn forward(mut client: TcpStream, to: SocketAddr, link: Arc<Link>, length: usize) -> Arrival {
    let mut request = vec![0; length];
    client.read_exact(&mut request).await.expect("it is sent");
    link.up.send(SYN_BYTES).await;
    link.down.send(SYN_BYTES).await;
    link.up.send(HELLO_BYTES).await;
    for bytes in CERTIFICATE_BYTES {
        link.down.send(bytes).await;
    }
    link.up.send(REQUEST_BYTES).await;
    let mut server = TcpStream::connect(to).await.expect("the server accepts");
    server.write_all(&request).await.expect("the server reads");
    let arrived = Instant::now();
    let answer = read_answer(&mut server).await;
    let answered = Instant::now();
    drop(server);
    link.down.send(REQUEST_BYTES).await;
    client.write_all(&answer).await.expect("the client reads");
    Arrival { arrived, answered }
}

struct Link {
    up: Direction,
    down: Direction,
}

impl Link {
    fn new(profile: Profile, mut random: Random) -> Self {
        let mut direction = || Direction {
            profile,
            state: Mutex::new((Instant::now(), Random::new(random.below(u64::MAX), 0))),
        };
        Self {
            up: direction(),
            down: direction(),
        }
    }
}

/// One direction of a link.
struct Direction {
    profile: Profile,
    /// When it has sent what it was given, and which packets it loses.
    state: Mutex<(Instant, Random)>,
}

impl Direction {
    /// Returns when a packet has arrived.
    async fn send(&self, bytes: u32) {
        let mut wait = RETRANSMISSION;
        loop {
            let (sent, is_lost) = self.enqueue(bytes);
            sleep_until(sent.into()).await;
            if !is_lost {
                return sleep(self.profile.round_trip / 2).await;
            }
            sleep(wait).await;
            wait *= 2;
        }
    }

    /// When the packet has left, after those before it, and whether it is lost.
    fn enqueue(&self, bytes: u32) -> (Instant, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (free, random) = &mut *state;
        let time = Duration::from_secs(1) * (8 * bytes) / self.profile.bits_per_second;
        *free = (*free).max(Instant::now()) + time;
        (*free, random.below(1_000) < self.profile.lost_of_1000)
    }
}
