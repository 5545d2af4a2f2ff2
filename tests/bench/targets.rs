//! What was promised, next to what was measured.

use crate::contest::{BothFacts, Rates};
use crate::plan::{Plan, Point, Subject, grouped, point};
use crate::sample::Spread;

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
const CEILING_64: Point = point(Subject::CeilingRefresh, 64);
const CEILING_256: Point = point(Subject::CeilingRefresh, 256);
const CEILING_GET_64: Point = point(Subject::CeilingGet, 64);
const POSTGRES_64: Point = point(Subject::Postgres, 64);
const POSTGRES_256: Point = point(Subject::Postgres, 256);
const REDIS_64: Point = point(Subject::Redis, 64);
const REDIS_256: Point = point(Subject::Redis, 256);
const DISK: Point = point(Subject::Disk, 1);

const RATIOS: [(Point, Point, Option<Bound>); 11] = [
    (REFRESH_64, POSTGRES_64, Some(Bound::AtLeast(1.8))),
    (REFRESH_64, CEILING_64, Some(Bound::AtLeast(0.28))),
    (GET_64, CEILING_GET_64, Some(Bound::AtLeast(0.75))),
    (REFRESH_LARGE_64, REFRESH_64, Some(Bound::AtLeast(0.4))),
    (COMPARE_64, REFRESH_64, Some(Bound::AtLeast(0.9))),
    (REFRESH_64, REDIS_64, None),
    (REFRESH_256, POSTGRES_256, None),
    (REFRESH_256, CEILING_256, None),
    (REFRESH_256, REDIS_256, None),
    (REFRESH_LARGE_256, REFRESH_256, None),
    (REFRESH_64, DISK, None),
];

const IDLE_MB_MAX: Bound = Bound::AtMost(30.0);
const OPEN_CLEAN_MS_MAX: Bound = Bound::AtMost(10.0);
const OPEN_CRASH_MS_MAX: Bound = Bound::AtMost(400.0);

/// A page of a profile's logins, in GETs of one.
const LISTING_MAX: Bound = Bound::AtMost(10.0);
const RECOVERY_MS_MAX: Bound = Bound::AtMost(1_000.0);

pub fn compare(plan: &Plan, rates: &Rates, facts: &BothFacts) -> Vec<Comparison> {
    let (large, listing) = (&facts.large, &facts.listing);
    let ratios = RATIOS.iter().map(|(above, below, bound)| Comparison {
        name: ratio_name(plan, *above, *below),
        unit: "x",
        bound: *bound,
        value: rates.ratio(*above, *below).map_err(str::to_owned),
    });
    let fact = |name: &str, unit, value: Option<Spread>, bound| Comparison {
        name: format!("{name}, {} logins", grouped(large.logins)),
        unit,
        bound: Some(bound),
        value: value.ok_or_else(|| "not logged, not measured".to_owned()),
    };
    ratios
        .chain([
            fact("idle memory", "MB", large.idle_mb, IDLE_MB_MAX),
            fact(
                "open after a clean stop",
                "ms",
                large.open_clean_ms,
                OPEN_CLEAN_MS_MAX,
            ),
            fact(
                "open after kill -9 under load",
                "ms",
                large.open_crash_ms,
                OPEN_CRASH_MS_MAX,
            ),
            fact(
                "by_profile, 1,000 logins of the profile, first page / GET",
                "x",
                listing.page,
                LISTING_MAX,
            ),
            Comparison {
                bound: None,
                ..fact(
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
        ])
        .collect()
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
