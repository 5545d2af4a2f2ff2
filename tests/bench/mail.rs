//! What those who refresh logins notice of an SMTP server that accepts connections and never answers.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::listing::Client;
use crate::load::Outcome;
use crate::plan::Plan;
use crate::refreshes::Refreshes;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

const P99_MAX: Bound = Bound::AtMost(3.0);

/// So that the server is tried often.
const SETTINGS: [&str; 7] = [
    "--smtp-host=127.0.0.1",
    "--smtp-security=none",
    "--mail-from=accounts@example.com",
    "--smtp-timeout=200ms",
    "--mail-retry-min=100ms",
    "--mail-retry-max=100ms",
    "--mail-outbox-max=1000000",
];

/// The figures of each round.
#[derive(Default)]
pub struct Mail {
    /// The p99 of refreshes, in times of that without any mail: while mails are queued, and after that.
    p99_queueing: Vec<f64>,
    p99_waiting: Vec<f64>,
    queued_per_second: Vec<f64>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Mail {
    let mut mail = Mail::default();
    for round in 0..plan.bulk_rounds {
        let refreshes = Refreshes::prepare(plan, workspace, &format!("mail-{round}"));
        mail.measure(plan, &refreshes, round);
    }
    mail
}

impl Mail {
    fn measure(&mut self, plan: &Plan, refreshes: &Refreshes, round: usize) {
        let attempts = Arc::new(AtomicU64::new(0));
        let port = format!("--smtp-port={}", start_hanging_server(&attempts));
        let settings = [&SETTINGS[..], &[&port]].concat();
        let server = refreshes.start(&settings);
        let alone = refreshes.alone(&server);
        assert_eq!(attempts.load(Ordering::Relaxed), 0, "there are no mails");
        let request = format!(
            "POST /crafter-profile/api/1/profile/{}/reset_password",
            refreshes.dataset.profile_id(0)
        );
        let form = format!(
            "accessTokenId={}&resetPasswordUrl=https%3A%2F%2Fexample.com%2Freset",
            refreshes.dataset.access_token().as_str()
        );
        let (queueing, queued) = refreshes.during(&server, 1, |_| {
            let mut client = Client::connect(server.address);
            let (status, body) = client.send(&request, &form);
            assert_eq!(status, "200", "{body}");
        });
        let before = attempts.load(Ordering::Relaxed);
        let waiting = refreshes.alone(&server);
        let attempts = attempts.load(Ordering::Relaxed) - before;
        assert!(attempts > 0, "mails are tried to be sent");
        server.stop();
        for (name, outcome) in [
            ("without mails", &alone),
            ("while they are queued", &queueing),
            ("while they wait", &waiting),
        ] {
            eprintln!(
                "round {round}: {} refreshes {name}, µs p50 {} p99 {}",
                outcome.count, outcome.p50_us, outcome.p99_us
            );
        }
        eprintln!("round {round}: {queued} mails queued, {attempts} attempts while they wait");
        let ratio = |outcome: &Outcome| outcome.p99_us as f64 / alone.p99_us as f64;
        self.p99_queueing.push(ratio(&queueing));
        self.p99_waiting.push(ratio(&waiting));
        let time = plan.warm_up + plan.flow_measure;
        self.queued_per_second
            .push(queued as f64 / time.as_secs_f64());
    }

    pub fn comparisons(&self) -> Vec<Comparison> {
        let row = |name: &str, unit, bound, values: &[f64]| Comparison {
            name: name.to_owned(),
            unit,
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        let p99 = |name: &str, values: &[f64]| row(name, "x", Some(P99_MAX), values);
        vec![
            p99(
                "p99 of refreshes while mails are queued / without",
                &self.p99_queueing,
            ),
            p99(
                "p99 of refreshes, full outbox, hanging SMTP server / without",
                &self.p99_waiting,
            ),
            row(
                "mails queued meanwhile, one client",
                "1/s",
                None,
                &self.queued_per_second,
            ),
        ]
    }
}

/// Starts an SMTP server that never answers, and returns its port. The connections to it are counted.
fn start_hanging_server(attempts: &Arc<AtomicU64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let attempts = Arc::clone(attempts);
    thread::spawn(move || {
        // They stay open.
        let mut connections = Vec::new();
        for connection in listener.incoming() {
            connections.push(connection);
            attempts.fetch_add(1, Ordering::Relaxed);
        }
    });
    port
}
