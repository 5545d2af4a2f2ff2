//! How many queries for profiles are answered, and what they cost those who refresh logins meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::dataset::Dataset;
use crate::listing::Client;
use crate::load::{Load, Operation, Outcome};
use crate::plan::{Plan, grouped};
use crate::profiles::Filled;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

/// How many connections send the queries that an index answers, and how many refresh.
const CONNECTIONS: usize = 64;
const REFRESHING: usize = 8;
/// Apart from the streams of the other benchmarks.
const STREAM: u64 = 7 << 32;
const SEARCHES_PER_ROUND: usize = 40;

const SEARCHES_MIN: Bound = Bound::AtLeast(20.0);
const BY_INDEX_MIN: Bound = Bound::AtLeast(0.5);
const P99_MAX: Bound = Bound::AtMost(3.0);

const PATH: &str = "/crafter-profile/api/1/profile";

/// The figures of each round.
#[derive(Default)]
pub struct Queries {
    profiles: u64,
    /// The searches of the administration console, of one client, per second.
    lists: Vec<f64>,
    counts: Vec<f64>,
    /// Queries by a field that has no index.
    walks: Vec<f64>,
    /// Queries by username in reads by id.
    one_by_index: Vec<f64>,
    list_by_index: Vec<f64>,
    /// The p99 of refreshes while there are queries, in times of the undisturbed.
    p99_searched: Vec<f64>,
    p99_walked: Vec<f64>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Queries {
    let filled = Filled::start(plan, workspace, "queries", plan.small_logins);
    let mut queries = Queries {
        profiles: plan.small_logins,
        ..Queries::default()
    };
    for round in 0..plan.rounds {
        queries.measure_alone(&filled, round);
        queries.measure_by_index(plan, &filled, round);
        queries.measure_refreshes(plan, &filled, round);
    }
    filled.server.stop();
    queries
}

/// The queries that look at every profile.
struct Targets {
    list: String,
    count: String,
    walk: String,
}

impl Targets {
    /// With a text that the usernames of few profiles have.
    fn new(dataset: &Dataset, round: u64) -> Self {
        let username = dataset.login_id(round);
        let text = username.as_str()[..6].to_uppercase();
        let search = format!(
            "%7Busername%3A+%7B%24regex%3A+%27.*{text}.*%27%2C+%24options%3A+%27i%27%7D%7D"
        );
        let walk = format!("%7B%22attributes.attribute3%22%3A%22value+3+of+{round}%22%7D");
        let target = |endpoint: &str, query: &str| {
            let access = dataset.access_token();
            let access = access.as_str();
            format!("{PATH}/{endpoint}?accessTokenId={access}&tenantName=default&query={query}")
        };
        Self {
            list: target("by_query", &search) + "&start=0&count=10&sortBy=username&sortOrder=ASC",
            count: target("count_by_query", &search),
            walk: target("count_by_query", &walk),
        }
    }
}

impl Queries {
    /// One client, and nobody else.
    fn measure_alone(&mut self, filled: &Filled, round: u64) {
        let targets = Targets::new(&filled.dataset, round);
        let mut client = Client::connect(filled.server.address);
        let found = client.get(&targets.list).matches("\"username\":").count();
        assert!((1..10).contains(&found), "{found} are found");
        assert_eq!(client.get(&targets.count), found.to_string());
        assert_eq!(client.get(&targets.walk), "1");
        let mut per_second = |target: &str, count: usize| {
            let began = Instant::now();
            for _ in 0..count {
                client.get(target);
            }
            count as f64 / began.elapsed().as_secs_f64()
        };
        let list = per_second(&targets.list, SEARCHES_PER_ROUND);
        let count = per_second(&targets.count, SEARCHES_PER_ROUND);
        let walk = per_second(&targets.walk, SEARCHES_PER_ROUND / 4);
        eprintln!(
            "round {round}: {list:.1} searches, {count:.1} counts, {walk:.1} walks per second"
        );
        self.lists.push(list);
        self.counts.push(count);
        self.walks.push(walk);
    }

    fn measure_by_index(&mut self, plan: &Plan, filled: &Filled, round: u64) {
        let rate = |operation| {
            let load = load(plan, filled, operation, CONNECTIONS, round);
            let outcome = load.run();
            assert_eq!(outcome.errors, 0, "every answer is right");
            outcome.per_second
        };
        let by_id = rate(Operation::GetProfile);
        let one = rate(Operation::QueryOneUsername);
        let list = rate(Operation::QueryListUsername);
        eprintln!(
            "round {round}: by id {by_id:.0}/s, one_by_query {one:.0}/s, by_query {list:.0}/s"
        );
        self.one_by_index.push(one / by_id);
        self.list_by_index.push(list / by_id);
    }

    fn measure_refreshes(&mut self, plan: &Plan, filled: &Filled, round: u64) {
        let refresh = || {
            let load = load(plan, filled, Operation::Refresh, REFRESHING, round);
            let outcome = load.spawn().outcome();
            assert_eq!(outcome.errors, 0, "every refresh is answered");
            outcome
        };
        let targets = Targets::new(&filled.dataset, round);
        let alone = refresh();
        let searched = while_querying(filled, &[&targets.list, &targets.count], refresh);
        let walked = while_querying(filled, &[&targets.walk], refresh);
        for (name, outcome) in [
            ("alone", &alone),
            ("searched", &searched),
            ("walked", &walked),
        ] {
            eprintln!(
                "round {round}: {} refreshes {name}, µs p50 {} p99 {}",
                outcome.count, outcome.p50_us, outcome.p99_us
            );
        }
        let ratio = |outcome: &Outcome| outcome.p99_us as f64 / alone.p99_us as f64;
        self.p99_searched.push(ratio(&searched));
        self.p99_walked.push(ratio(&walked));
    }

    pub fn comparisons(&self) -> Vec<Comparison> {
        let profiles = grouped(self.profiles);
        let row = |name: String, unit, bound, values: &[f64]| Comparison {
            name,
            unit,
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        let per_second = |name: &str, bound, values: &[f64]| {
            row(format!("{name}, {profiles} profiles"), "1/s", bound, values)
        };
        let ratio =
            |name: &str, bound, values: &[f64]| row(name.to_owned(), "x", Some(bound), values);
        vec![
            per_second("search, by_query", Some(SEARCHES_MIN), &self.lists),
            per_second("search, count_by_query", Some(SEARCHES_MIN), &self.counts),
            per_second("attribute, count_by_query", None, &self.walks),
            ratio(
                "one_by_query by username / profile by id",
                BY_INDEX_MIN,
                &self.one_by_index,
            ),
            ratio(
                "by_query by username / profile by id",
                BY_INDEX_MIN,
                &self.list_by_index,
            ),
            ratio(
                "p99 of refreshes during searches / alone",
                P99_MAX,
                &self.p99_searched,
            ),
            ratio(
                "p99 of refreshes during walks / alone",
                P99_MAX,
                &self.p99_walked,
            ),
        ]
    }
}

fn load(
    plan: &Plan,
    filled: &Filled,
    operation: Operation,
    connections: usize,
    round: u64,
) -> Load {
    Load {
        address: filled.server.address,
        operation,
        connections,
        warm_up: plan.warm_up,
        measure: plan.measure,
        dataset: filled.dataset,
        stream: STREAM + round,
    }
}

/// What `measured` returns, while one connection for each of `targets` sends that again and again.
fn while_querying<T>(filled: &Filled, targets: &[&str], measured: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    let is_over = &is_over;
    thread::scope(|scope| {
        for target in targets {
            scope.spawn(move || {
                let mut client = Client::connect(filled.server.address);
                while !is_over.load(Ordering::Relaxed) {
                    client.get(target);
                }
            });
        }
        let outcome = measured();
        is_over.store(true, Ordering::Relaxed);
        outcome
    })
}
