//! How many tickets are read per second, compared with logins that are read.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::listing::Client;
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::workspace::Workspace;

const ROUNDS: usize = 5;
const MEASURE: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 64;
const TICKETS: usize = 10_000;
const ACCESS_TOKEN: &str = "bench-reads-tickets";
const PATH: &str = "/crafter-profile/api/1/authentication";
const PROFILE: &str = "5925a68def86951f895cf497";

/// The figures of a run.
pub struct Tickets {
    /// Reads of tickets in reads of logins, both per second.
    pub by_logins: Option<Spread>,
    pub logins: Option<Spread>,
    pub tickets: Option<Spread>,
    pub created: Option<Spread>,
}

/// Measures in rounds that alternate between the two.
pub fn measure(workspace: &Workspace) -> Tickets {
    let data_dir = workspace.create_dir("data-tickets");
    let log_path = workspace.path().join("rememberd-tickets.log");
    let seed_path = workspace.path().join("seed-tickets.json");
    fs::write(&seed_path, seed()).expect("the workspace is writable");
    let server = Server::start(&data_dir, Some(&seed_path), &log_path);
    let began = Instant::now();
    let tickets = create(server.address, "ticket");
    let created = TICKETS as f64 / began.elapsed().as_secs_f64();
    let logins = create(server.address, "persistent_login");
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let login = read(server.address, "persistent_login", &logins);
        let ticket = read(server.address, "ticket", &tickets);
        println!("round {round}: {login:.0} logins, {ticket:.0} tickets read per second");
        rounds.push((ticket, login));
    }
    server.stop();
    Tickets {
        by_logins: Spread::of(rounds.iter().map(|(ticket, login)| ticket / login)),
        logins: Spread::of(rounds.iter().map(|(_, login)| *login)),
        tickets: Spread::of(rounds.iter().map(|(ticket, _)| *ticket)),
        created: Spread::of([created]),
    }
}

fn seed() -> String {
    format!(
        concat!(
            r#"{{"accesstoken":[{{"_id":"{}","application":"bench","#,
            r#""tenantPermissions":[{{"tenant":"*","allowedActions":["*"]}}]}}],"#,
            r#""tenant":[{{"name":"default"}}],"#,
            r#""profile":[{{"_id":"{}","username":"user","tenant":"default","enabled":true}}]}}"#
        ),
        ACCESS_TOKEN, PROFILE
    )
}

/// Runs `work` on all connections.
fn on_all<T: Send>(address: SocketAddr, work: impl Fn(&mut Client) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(move || work(&mut Client::connect(address))))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, T>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

/// Creates tickets, or as many logins as a profile may have. Returns their ids.
fn create(address: SocketAddr, resource: &str) -> Vec<String> {
    let count = if resource == "ticket" { TICKETS } else { 1_000 };
    let next = AtomicUsize::new(0);
    let created = on_all(address, |client| {
        let mut ids = Vec::new();
        while next.fetch_add(1, Ordering::Relaxed) < count {
            let form = format!("accessTokenId={ACCESS_TOKEN}&profileId={PROFILE}");
            let (status, body) = client.send(&format!("POST {PATH}/{resource}/create"), &form);
            assert_eq!(status, "200", "{body}");
            let (_, id) = body.rsplit_once(r#""id":""#).expect("it has an id");
            ids.push(id.trim_end_matches(['"', '}']).to_owned());
        }
        ids
    });
    created.concat()
}

/// How many of them are read per second.
fn read(address: SocketAddr, resource: &str, ids: &[String]) -> f64 {
    let until = Instant::now() + MEASURE;
    let next = AtomicUsize::new(0);
    on_all(address, |client| {
        while Instant::now() < until {
            let id = &ids[next.fetch_add(7, Ordering::Relaxed) % ids.len()];
            let request = format!("GET {PATH}/{resource}/{id}?accessTokenId={ACCESS_TOKEN}");
            let (status, body) = client.send(&request, "");
            assert_eq!(status, "200", "{body}");
        }
    });
    next.into_inner() as f64 / 7.0 / MEASURE.as_secs_f64()
}
