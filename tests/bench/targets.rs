//! The targets, next to what was measured.

use crate::attacks::AttackRow;
use crate::bulk::Bulk;
use crate::comparison::{BothFacts, Rates};
use crate::deployment::Facts;
use crate::flows::FlowRow;
use crate::plan::{Plan, Point, Subject, grouped, point};
use crate::sample::{Round, Spread};
use crate::sign_in::SignIn;
use crate::tickets::Tickets;

/// A line of the comparison: with a bound it is a target, without one it is for the reader.
pub struct Comparison {
    pub name: String,
    pub unit: &'static str,
    pub bound: Option<Bound>,
    /// The error says why it is unknown.
    pub value: Result<Spread, String>,
}

#[derive(Clone, Copy)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

const REFRESH_64: Point = point(Subject::RefreshSmall, 64);
const REFRESH_256: Point = point(Subject::RefreshSmall, 256);
const REFRESH_LARGE_64: Point = point(Subject::RefreshLarge, 64);
const REFRESH_LARGE_256: Point = point(Subject::RefreshLarge, 256);
const COMPARE_64: Point = point(Subject::CompareAndRotate, 64);
const GET_64: Point = point(Subject::GetSmall, 64);
const BASELINE_64: Point = point(Subject::BaselineRefresh, 64);
const BASELINE_256: Point = point(Subject::BaselineRefresh, 256);
const BASELINE_GET_64: Point = point(Subject::BaselineGet, 64);
const POSTGRES_64: Point = point(Subject::Postgres, 64);
const POSTGRES_256: Point = point(Subject::Postgres, 256);
const REDIS_64: Point = point(Subject::Redis, 64);
const REDIS_256: Point = point(Subject::Redis, 256);
const PROXY_64: Point = point(Subject::RedisProxy, 64);
const PROXY_256: Point = point(Subject::RedisProxy, 256);
const DISK: Point = point(Subject::Disk, 1);

const RATIOS: [(Point, Point, Option<Bound>); 15] = [
    (REFRESH_64, REDIS_64, Some(Bound::AtLeast(1.0))),
    (REFRESH_256, REDIS_256, Some(Bound::AtLeast(1.2))),
    (REFRESH_64, PROXY_64, Some(Bound::AtLeast(1.5))),
    (REFRESH_256, PROXY_256, Some(Bound::AtLeast(1.5))),
    (REFRESH_64, POSTGRES_64, Some(Bound::AtLeast(3.0))),
    (REFRESH_256, POSTGRES_256, Some(Bound::AtLeast(4.0))),
    (REFRESH_64, BASELINE_64, Some(Bound::AtLeast(0.5))),
    (REFRESH_256, BASELINE_256, Some(Bound::AtLeast(0.55))),
    (REFRESH_LARGE_64, REFRESH_64, Some(Bound::AtLeast(0.8))),
    (REFRESH_LARGE_256, REFRESH_256, Some(Bound::AtLeast(0.8))),
    (GET_64, BASELINE_GET_64, Some(Bound::AtLeast(0.85))),
    (COMPARE_64, REFRESH_64, Some(Bound::AtLeast(0.9))),
    (PROXY_64, REDIS_64, None),
    (PROXY_256, REDIS_256, None),
    (REFRESH_64, DISK, None),
];

/// The slowest refresh of a hundred at 64 connections, in times of the middle one.
const TAIL_MAX: Bound = Bound::AtMost(2.5);

const IDLE_SMALL_MB_MAX: Bound = Bound::AtMost(30.0);
const IDLE_LARGE_MB_MAX: Bound = Bound::AtMost(100.0);
const FILE_MAX: Bound = Bound::AtMost(2.5);
const OPEN_CLEAN_MS_MAX: Bound = Bound::AtMost(10.0);
const OPEN_CRASH_MS_MAX: Bound = Bound::AtMost(600.0);

/// A page of a profile's logins, in GETs of one.
const LISTING_MAX: Bound = Bound::AtMost(10.0);
/// Other logins' refreshes while very many of one profile are listed, crowded out and ended, and while they expire.
const CROWDED_P99_MAX: Bound = Bound::AtMost(5.0);
const CROWDED_MEMORY_MB_MAX: Bound = Bound::AtMost(16.0);
const EXPIRING_P50_MAX: Bound = Bound::AtMost(1.5);

const TICKET_READS_MIN: Bound = Bound::AtLeast(0.7);
const SIGN_INS_MIN: Bound = Bound::AtLeast(0.9);
const SIGN_IN_PEAK_MB_MAX: Bound = Bound::AtMost(32.0);
const SIGN_IN_IDLE_MB_MAX: Bound = Bound::AtMost(4.0);
/// In every row of the attacks.
const ATTACKED_NEW_CLIENT_P99_MS_MAX: Bound = Bound::AtMost(50.0);
const ATTACKED_LOST_MAX: Bound = Bound::AtMost(0.0);
const ATTACKED_MEMORY_MB_MAX: Bound = Bound::AtMost(64.0);

const RECOVERY_MS_MAX: Bound = Bound::AtMost(1_000.0);

pub fn compare(
    plan: &Plan,
    rates: &Rates,
    facts: &BothFacts,
    attacks: &[AttackRow],
    flows: &[FlowRow],
) -> Vec<Comparison> {
    let mut comparisons = of_rates(plan, rates);
    comparisons.extend(of_deployment(&facts.small, IDLE_SMALL_MB_MAX));
    comparisons.extend(of_deployment(&facts.large, IDLE_LARGE_MB_MAX));
    comparisons.extend(of_large(facts));
    comparisons.extend(of_bulk(&facts.bulk));
    comparisons.extend(of_attacks(attacks));
    comparisons.extend(of_flows(flows));
    comparisons
}

fn of_rates(plan: &Plan, rates: &Rates) -> Vec<Comparison> {
    let measured = |point: &Point| plan.points.contains(point);
    let ratios = RATIOS
        .iter()
        .filter(|(above, below, _)| measured(above) && measured(below))
        .map(|(above, below, bound)| Comparison {
            name: ratio_name(plan, *above, *below),
            unit: "x",
            bound: *bound,
            value: rates.ratio(*above, *below).map_err(str::to_owned),
        });
    let figure = |name: &str, point: Point, bound, of: fn(&Round) -> Option<f64>| Comparison {
        name: format!(
            "{}, {name}, {} connections",
            plan.name(point.subject),
            point.connections
        ),
        unit: "x",
        bound,
        value: rates.figure(point, of).map_err(str::to_owned),
    };
    let tail = figure("p99 / p50", REFRESH_64, Some(TAIL_MAX), Round::p99_by_p50);
    let steady = [REFRESH_64, REFRESH_LARGE_64, REFRESH_256, REFRESH_LARGE_256].map(|point| {
        figure("last third / first", point, None, |round| {
            round.late_by_early
        })
    });
    ratios.chain([tail]).chain(steady).collect()
}

fn of_deployment(facts: &Facts, idle_mb_max: Bound) -> [Comparison; 2] {
    let file = facts.loaded_bytes_per_login / facts.record_bytes_per_login;
    [
        fact(facts, "idle memory", "MB", facts.idle_mb, idle_mb_max),
        fact(
            facts,
            "space on the disk after the load / records",
            "x",
            Spread::of([file]),
            FILE_MAX,
        ),
    ]
}

fn of_large(facts: &BothFacts) -> [Comparison; 5] {
    let (large, listing) = (&facts.large, &facts.listing);
    [
        fact(
            large,
            "open after a clean stop",
            "ms",
            large.open_clean_ms,
            OPEN_CLEAN_MS_MAX,
        ),
        fact(
            large,
            "open after kill -9 under load",
            "ms",
            large.open_crash_ms,
            OPEN_CRASH_MS_MAX,
        ),
        fact(
            large,
            "by_profile, 1,000 logins of the profile, first page / GET",
            "x",
            listing.page,
            LISTING_MAX,
        ),
        Comparison {
            bound: None,
            ..fact(
                large,
                "by_profile, 1,000 logins of the profile, all / GET",
                "x",
                listing.whole,
                LISTING_MAX,
            )
        },
        Comparison {
            name: format!(
                "served again after the disk is back, {} logins",
                grouped(facts.small.logins)
            ),
            unit: "ms",
            bound: Some(RECOVERY_MS_MAX),
            value: facts.recovery_ms.clone(),
        },
    ]
}

/// What very many logins of one profile cost.
pub fn of_bulk(bulk: &Bulk) -> [Comparison; 3] {
    let many = grouped(bulk.crowd);
    [
        Comparison {
            name: format!("p99 while {many} are listed, crowded out and ended / alone"),
            unit: "x",
            bound: Some(CROWDED_P99_MAX),
            value: bulk.crowded_p99.clone(),
        },
        Comparison {
            name: format!("growth of memory while {many} are listed, crowded out and ended"),
            unit: "MB",
            bound: Some(CROWDED_MEMORY_MB_MAX),
            value: bulk.memory_growth_mb.clone(),
        },
        Comparison {
            name: format!("p50 of one client while {many} expire / alone"),
            unit: "x",
            bound: Some(EXPIRING_P50_MAX),
            value: bulk.expiring_p50.clone(),
        },
    ]
}

/// How many users sign in, in bare hashes of the host, and the memory of it.
pub fn of_sign_in(figures: &SignIn) -> [Comparison; 5] {
    let row = |name: &str, unit, bound, value: Option<Spread>| Comparison {
        name: name.to_owned(),
        unit,
        bound,
        value: value.ok_or_else(|| "not measured".to_owned()),
    };
    let (peak, idle) = (figures.peak_growth_mb, figures.idle_growth_mb);
    [
        row("bare hashes", "1/s", None, figures.bare_hashes),
        row("sign-ins, 8 connections", "1/s", None, figures.sign_ins),
        row(
            "sign-ins / bare hashes",
            "x",
            Some(SIGN_INS_MIN),
            figures.by_bare_hashes,
        ),
        row(
            "growth of memory during 1,000 sign-ins, at most",
            "MB",
            Some(SIGN_IN_PEAK_MB_MAX),
            Spread::of([peak]),
        ),
        row(
            "growth of memory some time after 1,000 sign-ins",
            "MB",
            Some(SIGN_IN_IDLE_MB_MAX),
            Spread::of([idle]),
        ),
    ]
}

/// How many tickets are read, in reads of logins.
pub fn of_tickets(figures: &Tickets) -> [Comparison; 4] {
    let row = |name: &str, unit, bound, value: Option<Spread>| Comparison {
        name: name.to_owned(),
        unit,
        bound,
        value: value.ok_or_else(|| "not measured".to_owned()),
    };
    [
        row(
            "tickets created, 64 connections",
            "1/s",
            None,
            figures.created,
        ),
        row("logins read, 64 connections", "1/s", None, figures.logins),
        row("tickets read, 64 connections", "1/s", None, figures.tickets),
        row(
            "tickets read / logins read",
            "x",
            Some(TICKET_READS_MIN),
            figures.by_logins,
        ),
    ]
}

/// The requests per second of each flow of a client.
pub fn of_flows(rows: &[FlowRow]) -> Vec<Comparison> {
    let of_row = |row: &FlowRow| {
        let errors: u64 = row.rounds.iter().map(|round| round.errors).sum();
        let rates = row.rounds.iter().map(|round| round.per_second);
        Comparison {
            name: row.flow.name().to_owned(),
            unit: "requests per second",
            bound: None,
            value: match errors {
                0 => Spread::of(rates).ok_or_else(|| "not measured".to_owned()),
                _ => Err(format!("{errors} people were refused something")),
            },
        }
    };
    rows.iter().map(of_row).collect()
}

/// What honest clients get under the worst of the attacks.
pub fn of_attacks(rows: &[AttackRow]) -> [Comparison; 4] {
    let worst = |name: &str, unit, bound, of: fn(&AttackRow) -> Option<f64>| Comparison {
        name: format!("{name}, worst of the attacks"),
        unit,
        bound: Some(bound),
        value: rows
            .iter()
            .map(of)
            .collect::<Option<Vec<_>>>()
            .and_then(|values| values.into_iter().max_by(f64::total_cmp))
            .and_then(|value| Spread::of([value]))
            .ok_or_else(|| "an honest client was never served".to_owned()),
    };
    [
        worst(
            "p99 of a new client",
            "ms",
            ATTACKED_NEW_CLIENT_P99_MS_MAX,
            |row| Some(row.new_client.p99_us? / 1e3),
        ),
        worst(
            "lost requests of new clients",
            "requests",
            ATTACKED_LOST_MAX,
            |row| Some(row.new_client.errors as f64),
        ),
        worst(
            "lost requests of pooled clients",
            "requests",
            ATTACKED_LOST_MAX,
            |row| Some(row.pooled.errors as f64),
        ),
        worst("memory", "MB", ATTACKED_MEMORY_MB_MAX, |row| {
            Some(row.memory_mb)
        }),
    ]
}

fn fact(
    facts: &Facts,
    name: &str,
    unit: &'static str,
    value: Option<Spread>,
    bound: Bound,
) -> Comparison {
    Comparison {
        name: format!("{name}, {} logins", grouped(facts.logins)),
        unit,
        bound: Some(bound),
        value: value.ok_or_else(|| "not logged, not measured".to_owned()),
    }
}

impl Comparison {
    pub fn verdict(&self) -> &'static str {
        match (self.bound, &self.value) {
            (None, _) => "",
            (Some(_), Err(_)) => "not measured",
            (Some(bound), Ok(spread)) if bound.admits(spread.median) => "met",
            (Some(_), Ok(_)) => "short",
        }
    }
}

impl Bound {
    fn admits(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

fn ratio_name(plan: &Plan, above: Point, below: Point) -> String {
    let (over, under) = (plan.name(above.subject), plan.name(below.subject));
    format!("{over} / {under}, {} connections", above.connections)
}
