//! The systems that are measured, and one round of one point.

use std::net::SocketAddr;

use crate::baseline::Baseline;
use crate::bulk::{self, Bulk};
use crate::dataset::Dataset;
use crate::deployment::{Deployment, Facts};
use crate::disk::Disk;
use crate::listing::{self, Listing};
use crate::load::{Load, Operation};
use crate::plan::{Plan, Point, Subject};
use crate::postgres::Postgres;
use crate::probe::{self, Sizes};
use crate::recovery;
use crate::redis::Redis;
use crate::redis_proxy::RedisProxy;
use crate::sample::{Round, Spread};
use crate::workspace::Workspace;

pub struct Comparison {
    small: Deployment,
    large: Deployment,
    baseline: Baseline,
    disk: Disk,
    redis: Result<Redis, String>,
    proxy: Option<RedisProxy>,
    postgres: Result<Postgres, String>,
}

pub struct BothSizes {
    pub rememberd: Sizes,
    pub baseline: Sizes,
}

pub struct BothFacts {
    pub small: Facts,
    pub large: Facts,
    pub listing: Listing,
    /// How long after the disk is back the server serves again, in milliseconds; the error says why it is unknown.
    pub recovery_ms: Result<Spread, String>,
    pub bulk: Bulk,
}

/// The rounds of every point, in the order of the plan; the error says why a point was not measured.
pub struct Rates(Vec<(Point, Result<Vec<Round>, String>)>);

impl Comparison {
    /// Fills every store. All servers run from here on; those that are not being measured are idle.
    pub fn prepare(plan: &Plan, workspace: &Workspace) -> Self {
        progress("filling");
        let small = Deployment::prepare(plan, workspace, plan.small_logins);
        let large = Deployment::prepare(plan, workspace, plan.large_logins);
        let redis = Redis::start(workspace, &small.dataset);
        Self {
            baseline: Baseline::start(),
            disk: Disk::prepare(workspace.path()).expect("the workspace is writable"),
            proxy: redis.as_ref().ok().map(RedisProxy::start),
            redis,
            postgres: Postgres::start(workspace, plan.small_logins),
            small,
            large,
        }
    }

    /// The bytes of one request and its answer: of the server under test, and of the baseline.
    pub fn sizes(&self) -> BothSizes {
        let dataset = &self.small.dataset;
        BothSizes {
            rememberd: probe::check_rotation(self.small.address(), dataset),
            baseline: probe::baseline_sizes(self.baseline.address, dataset),
        }
    }

    /// All rounds. Each round visits every point, so that a slower minute of the machine is slower for all.
    pub fn measure(&mut self, plan: &Plan) -> Rates {
        let mut rates = Rates(
            plan.points
                .iter()
                .map(|&point| (point, Ok(Vec::new())))
                .collect(),
        );
        progress("using every login");
        self.small.use_logins();
        self.large.use_logins();
        let mut stream = 0;
        for number in 1..=plan.rounds {
            progress(&format!("round {number} of {}", plan.rounds));
            for (point, rounds) in &mut rates.0 {
                stream += 1;
                match (self.round(plan, *point, stream), rounds) {
                    (Ok(round), Ok(rounds)) => rounds.push(round),
                    (Err(reason), rounds) => *rounds = Err(reason),
                    (Ok(_), Err(_)) => {}
                }
            }
            self.small.record_footprint();
            self.large.record_footprint();
        }
        rates
    }

    /// What the two sizes of the data cost. Every server is stopped when this returns.
    pub fn finish(self, plan: &Plan, workspace: &Workspace) -> BothFacts {
        progress("listing");
        let listing = listing::measure(self.large.address(), &self.large.dataset);
        progress("crashing and reopening");
        let large = self.large.finish(plan);
        let small_dir = self.small.data_dir().to_owned();
        let dataset = self.small.dataset;
        let small = self.small.finish(plan);
        progress("filling the disk");
        let recovery_ms = recovery::measure(plan, workspace, &small_dir, &dataset);
        drop((self.baseline, self.proxy, self.redis, self.postgres));
        progress("listing, crowding out, ending and expiring very many logins of one profile");
        BothFacts {
            small,
            large,
            listing,
            recovery_ms,
            bulk: bulk::measure(plan, workspace),
        }
    }

    fn round(&self, plan: &Plan, point: Point, stream: u64) -> Result<Round, String> {
        let load = |address: SocketAddr, operation: Operation, dataset: Dataset| {
            let load = Load {
                address,
                operation,
                connections: point.connections,
                warm_up: plan.warm_up,
                measure: plan.measure,
                dataset,
                stream,
            };
            Ok(load.run())
        };
        let (small, large) = (&self.small, &self.large);
        let baseline = self.baseline.address;
        match point.subject {
            Subject::RefreshSmall => load(small.address(), Operation::Refresh, small.dataset),
            Subject::RefreshLarge => load(large.address(), Operation::Refresh, large.dataset),
            Subject::CompareAndRotate => {
                load(small.address(), Operation::CompareAndRotate, small.dataset)
            }
            Subject::GetSmall => load(small.address(), Operation::Get, small.dataset),
            Subject::BaselineRefresh => load(baseline, Operation::BaselineRefresh, small.dataset),
            Subject::BaselineGet => load(baseline, Operation::BaselineGet, small.dataset),
            Subject::Redis => {
                let redis = self.redis.as_ref().map_err(String::clone)?;
                load(redis.address, redis.operation(), small.dataset)
            }
            Subject::RedisProxy => match (&self.proxy, &self.redis) {
                (Some(proxy), _) => load(proxy.address, Operation::Refresh, small.dataset),
                (None, Err(reason)) => Err(reason.clone()),
                (None, Ok(_)) => unreachable!("the proxy of Redis is started with it"),
            },
            Subject::Postgres => {
                let postgres = self.postgres.as_ref().map_err(String::clone)?;
                postgres.measure(
                    point.connections,
                    plan.measure,
                    plan.seed.wrapping_add(stream),
                )
            }
            Subject::Disk => Ok(self
                .disk
                .measure(plan.measure)
                .expect("the disk takes writes")),
        }
    }
}

const NOT_MEASURED: &str = "not measured in this mode";

impl Rates {
    pub fn iter(&self) -> impl Iterator<Item = &(Point, Result<Vec<Round>, String>)> {
        self.0.iter()
    }

    /// The rate of `above` by that of `below`, round by round; the error says why it is unknown.
    pub fn ratio(&self, above: Point, below: Point) -> Result<Spread, &str> {
        let pairs = self.rounds(above)?.iter().zip(self.rounds(below)?);
        Spread::of(pairs.map(|(above, below)| above.per_second / below.per_second))
            .ok_or(NOT_MEASURED)
    }

    /// The figure `of` each round of a point; the error says why it is unknown.
    pub fn figure(&self, point: Point, of: impl Fn(&Round) -> Option<f64>) -> Result<Spread, &str> {
        Spread::of(self.rounds(point)?.iter().filter_map(of)).ok_or(NOT_MEASURED)
    }

    pub fn errors(&self) -> u64 {
        let measured = self.iter().filter_map(|(_, rounds)| rounds.as_ref().ok());
        measured.flatten().map(|round| round.errors).sum()
    }

    fn rounds(&self, point: Point) -> Result<&[Round], &str> {
        let (_, rounds) = self
            .iter()
            .find(|(candidate, _)| *candidate == point)
            .ok_or(NOT_MEASURED)?;
        rounds.as_ref().map(Vec::as_slice).map_err(String::as_str)
    }
}

/// Reports progress on standard error, apart from the table on standard output.
fn progress(what: &str) {
    eprintln!("rotation: {what}");
}
