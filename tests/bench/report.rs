//! The results of a run, before they are printed: `table.rs` makes text of it, `json.rs` makes JSON.

use std::fs;
use std::process::ExitCode;
use std::thread;

use crate::attacks::AttackRow;
use crate::comparison::{BothFacts, BothSizes, Rates};
use crate::deployment::Facts;
use crate::plan::Plan;
use crate::rememberd;
use crate::sample::{Round, Spread};
use crate::slow_link::SlowLink;
use crate::targets::Comparison;

pub struct Report<'a> {
    pub plan: &'a Plan,
    pub file_system: String,
    pub sizes: BothSizes,
    pub rates: Rates,
    pub facts: BothFacts,
    pub links: Vec<SlowLink>,
    pub attacks: Vec<AttackRow>,
    pub comparisons: Vec<Comparison>,
}

/// A row of the facts: name, unit, value.
pub type FactRow = (&'static str, &'static str, Option<Spread>);

impl Report<'_> {
    /// A rate that counts refusals is no rate, so that an error fails the run. A target that was not reached does not:
    /// it says as much about the disk as about the server.
    pub fn exit_code(&self) -> ExitCode {
        match self.rates.errors() {
            0 => ExitCode::SUCCESS,
            errors => {
                println!("\n{errors} requests failed: the rates above are void.");
                ExitCode::FAILURE
            }
        }
    }
}

/// The statistics of all rounds of a point.
pub struct Summary {
    pub per_second: Option<Spread>,
    pub p50_us: Option<Spread>,
    pub p99_us: Option<Spread>,
    pub max_us: Option<Spread>,
    pub errors: u64,
}

impl Summary {
    pub fn of(rounds: &[Round]) -> Self {
        Self {
            per_second: Spread::of(rounds.iter().map(|round| round.per_second)),
            p50_us: Spread::of(rounds.iter().filter_map(|round| round.p50_us)),
            p99_us: Spread::of(rounds.iter().filter_map(|round| round.p99_us)),
            max_us: Spread::of(rounds.iter().filter_map(|round| round.max_us)),
            errors: rounds.iter().map(|round| round.errors).sum(),
        }
    }
}

pub fn fact_rows(facts: &Facts) -> [FactRow; 13] {
    let one = |value: f64| Spread::of([value]);
    [
        ("memory, idle after a start", "MB", facts.idle_mb),
        ("memory, after the load", "MB", one(facts.loaded_mb)),
        ("memory, most during the load", "MB", one(facts.peak_mb)),
        (
            "file per login, filled",
            "bytes",
            one(facts.fresh_bytes_per_login),
        ),
        (
            "file per login, after the load",
            "bytes",
            one(facts.loaded_bytes_per_login),
        ),
        (
            "records per login",
            "bytes",
            one(facts.record_bytes_per_login),
        ),
        (
            "file after the last round by that before",
            "x",
            facts.file_growth,
        ),
        (
            "memory after the last round by that before",
            "x",
            facts.memory_growth,
        ),
        (
            "database open, after a clean stop",
            "ms",
            facts.open_clean_ms,
        ),
        (
            "database open, after kill -9 under load",
            "ms",
            facts.open_crash_ms,
        ),
        (
            "process start to ready, after a clean stop",
            "ms",
            facts.ready_clean_ms,
        ),
        (
            "process start to ready, after kill -9 under load",
            "ms",
            facts.ready_crash_ms,
        ),
        ("first start with the seed file", "s", one(facts.fill_secs)),
    ]
}

pub fn executable_bytes() -> u64 {
    fs::metadata(rememberd::EXECUTABLE)
        .expect("cargo built the executable")
        .len()
}

pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get())
}
