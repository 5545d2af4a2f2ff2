//! How many users sign in per second, compared with how many bare hashes the host computes, and the memory of it.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::listing::Client;
use crate::rememberd::Server;
use crate::report::processors;
use crate::sample::Spread;
use crate::workspace::Workspace;

/// The defaults of the server.
const MEMORY_KIB: u32 = 7 << 10;
const PASSES: u32 = 5;

const ROUNDS: usize = 5;
const MEASURE: Duration = Duration::from_secs(4);
/// Enough that no thread that hashes ever waits for a password.
const CONNECTIONS: usize = 8;
const SIGN_INS: usize = 1_000;
/// Longer than a thread without work keeps its memory.
const IDLE: Duration = Duration::from_secs(12);
const BYTES_PER_MB: f64 = 1e6;

const ACCESS_TOKEN: &str = "bench-signs-in";
/// The contract's hash of `password`.
const HASH: &str = "kjQbm75rGEhNQUDiOLNjY99ojqgc316VrnedkxCnWSc=|AwMDAwMDAwMDAwMDAwMDAw==";

/// The figures of a run.
pub struct SignIn {
    /// Sign-ins per second in bare hashes per second.
    pub by_bare_hashes: Option<Spread>,
    pub bare_hashes: Option<Spread>,
    pub sign_ins: Option<Spread>,
    /// Resident memory beyond that of the idle server: the most during 1,000 sign-ins, and some time after them.
    pub peak_growth_mb: f64,
    pub idle_growth_mb: f64,
}

/// Measures in rounds that alternate between the two.
pub fn measure(workspace: &Workspace) -> SignIn {
    let data_dir = workspace.create_dir("data-sign-in");
    let log_path = workspace.path().join("rememberd-sign-in.log");
    let seed_path = workspace.path().join("seed-sign-in.json");
    fs::write(&seed_path, seed()).expect("the workspace is writable");
    let server = Server::start(&data_dir, Some(&seed_path), &log_path);
    let before = server.memory().now;
    let next = AtomicUsize::new(0);
    // Every stored hash is replaced by it.
    sign_in(server.address, &next, |number| number < SIGN_INS);
    let peak = server.memory().peak;
    thread::sleep(IDLE);
    let idle = server.memory().now;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let bare = bare_hashes();
        let began = Instant::now();
        let next = AtomicUsize::new(0);
        sign_in(server.address, &next, |_| began.elapsed() < MEASURE);
        // The last number of each connection was not used any more.
        let signed_in = next.into_inner().saturating_sub(CONNECTIONS);
        let rate = signed_in as f64 / began.elapsed().as_secs_f64();
        println!("round {round}: {bare:.1} bare hashes, {rate:.1} sign-ins per second");
        rounds.push((rate, bare));
    }
    server.stop();
    let growth = |memory: u64| (memory as f64 - before as f64) / BYTES_PER_MB;
    SignIn {
        by_bare_hashes: Spread::of(rounds.iter().map(|(rate, bare)| rate / bare)),
        bare_hashes: Spread::of(rounds.iter().map(|(_, bare)| *bare)),
        sign_ins: Spread::of(rounds.iter().map(|(rate, _)| *rate)),
        peak_growth_mb: growth(peak),
        idle_growth_mb: growth(idle),
    }
}

/// A seed file with as many users as sign in.
fn seed() -> String {
    let profiles: Vec<_> = (0..SIGN_INS)
        .map(|number| {
            format!(
                r#"{{"_id":"{number:024x}","username":"user{number}","tenant":"default","enabled":true,"password":"{HASH}"}}"#
            )
        })
        .collect();
    format!(
        concat!(
            r#"{{"accesstoken":[{{"_id":"{}","application":"bench","#,
            r#""tenantPermissions":[{{"tenant":"*","allowedActions":["*"]}}]}}],"#,
            r#""tenant":[{{"name":"default"}}],"profile":[{}]}}"#
        ),
        ACCESS_TOKEN,
        profiles.join(",")
    )
}

/// Users sign in on all connections, one after the other, while `goes_on` with the number of the sign-in.
fn sign_in(address: SocketAddr, next: &AtomicUsize, goes_on: impl Fn(usize) -> bool + Sync) {
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(number) {
                        break;
                    }
                    let user = number % SIGN_INS;
                    let form = format!(
                        "accessTokenId={ACCESS_TOKEN}&tenantName=default&username=user{user}&password=password"
                    );
                    let path = "POST /crafter-profile/api/1/authentication/authenticate";
                    let (status, body) = client.send(path, &form);
                    assert_eq!(status, "200", "{body}");
                }
            });
        }
    });
}

/// How many hashes with the parameters of the server all processors compute per second.
fn bare_hashes() -> f64 {
    let count = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..processors() {
            scope.spawn(|| {
                let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).expect("valid");
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut memory = vec![Block::new(); MEMORY_KIB as usize];
                let mut output = [0; 32];
                while began.elapsed() < MEASURE {
                    argon2
                        .hash_password_into_with_memory(
                            b"password",
                            b"sixteen bytes...",
                            &mut output,
                            &mut memory,
                        )
                        .expect("valid lengths");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner() as f64 / began.elapsed().as_secs_f64()
}
