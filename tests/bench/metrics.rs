//! What it costs those who refresh logins that `/metrics` is read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::plan::Plan;
use crate::refreshes::Refreshes;
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

/// Fifteen times as often as Prometheus does by default.
const INTERVAL: Duration = Duration::from_secs(1);

const ROUNDS: usize = 5;

const COST_MAX: Bound = Bound::AtMost(1.01);

/// The figures of each round.
#[derive(Default)]
pub struct Metrics {
    /// The server's processor time for a refresh while they are read, in times of that while they are not.
    cost: Vec<f64>,
    /// Refreshes while they are read, in times of those while they are not.
    rate: Vec<f64>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Metrics {
    let mut metrics = Metrics::default();
    let refreshes = Refreshes::prepare(plan, workspace, "metrics");
    let server = refreshes.start(&["--metrics"]);
    // So that its caches are full, as those of a server that has run for a while.
    refreshes.alone(&server);
    for round in 0..ROUNDS {
        let (alone, alone_cost) = cost(&server, || refreshes.alone(&server).count);
        let (during, during_cost) = cost(&server, || {
            let read = |_| {
                read(server.address);
                thread::sleep(INTERVAL);
            };
            refreshes.during(&server, 1, read).0.count
        });
        eprintln!("round {round}: {alone} refreshes alone, {during} while they are read");
        metrics.cost.push(during_cost / alone_cost);
        metrics.rate.push(during as f64 / alone as f64);
    }
    server.stop();
    metrics
}

/// How many refreshes there are in `load`, and the server's processor time for each of them.
fn cost(server: &Server, load: impl FnOnce() -> u64) -> (u64, f64) {
    let before = server.processor_time();
    let count = load();
    let took = server.processor_time() - before;
    (count, took.as_secs_f64() / count as f64)
}

fn read(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut response = String::new();
    stream
        .read_to_string(&mut response)
        .expect("the server answers");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

impl Metrics {
    pub fn comparisons(&self) -> Vec<Comparison> {
        let row = |name: &str, bound, values: &[f64]| Comparison {
            name: name.to_owned(),
            unit: "x",
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        vec![
            row(
                "processor time of a refresh while metrics are read each second / alone",
                Some(COST_MAX),
                &self.cost,
            ),
            row("refreshes meanwhile / alone", None, &self.rate),
        ]
    }
}
