//! The report as JSON, for whoever compares runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::attacks::AttackRow;
use crate::deployment::Facts;
use crate::plan::Point;
use crate::probe::Sizes;
use crate::report::{Report, Summary, executable_bytes, fact_rows, processors};
use crate::sample::{Round, Spread};
use crate::slow_link::{PEER_GRACES_SECS, SlowLink};
use crate::table::target_text;
use crate::targets::Comparison;
use crate::{postgres, redis};

impl Report<'_> {
    pub fn write_json(&self, path: &Path) {
        let text = format!("{:#}\n", self.to_json());
        fs::write(path, text).expect("the target directory is writable");
        println!("\nThe same as JSON: {}", path.display());
    }

    fn to_json(&self) -> Value {
        let rates = self
            .rates
            .iter()
            .map(|(point, rounds)| self.rate_json(*point, rounds));
        json!({
            "mode": self.plan.mode,
            "seed": self.plan.seed,
            "rounds": self.plan.rounds,
            "warm_up_ms": self.plan.warm_up.as_millis() as u64,
            "measure_ms": self.plan.measure.as_millis() as u64,
            "processors": processors(),
            "file_system": self.file_system,
            "executable_bytes": executable_bytes(),
            "redis": redis::DESCRIPTION,
            "postgres": postgres::DESCRIPTION,
            "wire_bytes": {
                "rememberd": sizes_json(&self.sizes.rememberd),
                "bare_hyper": sizes_json(&self.sizes.baseline),
            },
            "rates": rates.collect::<Vec<_>>(),
            "facts": [facts_json(&self.facts.small), facts_json(&self.facts.large)],
            "slow_links": self.links.iter().map(link_json).collect::<Vec<_>>(),
            "attacks": self.attacks.iter().map(attack_json).collect::<Vec<_>>(),
            "comparisons": self.comparisons.iter().map(comparison_json).collect::<Vec<_>>(),
        })
    }

    fn rate_json(&self, point: Point, rounds: &Result<Vec<Round>, String>) -> Value {
        let mut row = json!({
            "name": self.plan.name(point.subject),
            "connections": point.connections,
        });
        match rounds {
            Ok(rounds) => {
                let summary = Summary::of(rounds);
                row["per_second"] = spread_json(summary.per_second);
                row["p50_us"] = spread_json(summary.p50_us);
                row["p99_us"] = spread_json(summary.p99_us);
                row["max_us"] = spread_json(summary.max_us);
                row["errors"] = summary.errors.into();
            }
            Err(reason) => row["not_measured"] = reason.as_str().into(),
        }
        row
    }
}

fn facts_json(facts: &Facts) -> Value {
    let rows = fact_rows(facts);
    let values = rows.iter().map(
        |(name, unit, spread)| json!({ "name": name, "unit": unit, "value": spread_json(*spread) }),
    );
    json!({ "logins": facts.logins, "values": values.collect::<Vec<_>>() })
}

fn comparison_json(comparison: &Comparison) -> Value {
    let mut row = json!({
        "name": comparison.name,
        "unit": comparison.unit,
        "target": comparison.bound.map(target_text),
        "verdict": comparison.verdict(),
    });
    match &comparison.value {
        Ok(spread) => row["value"] = spread_json(Some(*spread)),
        Err(reason) => row["not_measured"] = reason.as_str().into(),
    }
    row
}

fn sizes_json(sizes: &Sizes) -> Value {
    json!({
        "refresh_request": sizes.refresh_request,
        "refresh_answer": sizes.refresh_answer,
        "get_request": sizes.get_request,
        "get_answer": sizes.get_answer,
    })
}

fn attack_json(row: &AttackRow) -> Value {
    json!({
        "name": row.name,
        "new_client_p50_us": row.new_client.p50_us,
        "new_client_p99_us": row.new_client.p99_us,
        "new_client_max_us": row.new_client.max_us,
        "new_client_lost": row.new_client.errors,
        "pooled_p50_us": row.pooled.p50_us,
        "pooled_p99_us": row.pooled.p99_us,
        "pooled_max_us": row.pooled.max_us,
        "pooled_lost": row.pooled.errors,
        "memory_mb": row.memory_mb,
    })
}

fn link_json(link: &SlowLink) -> Value {
    let graces = PEER_GRACES_SECS.map(|grace| grace.to_string());
    let beyond: BTreeMap<_, _> = graces.into_iter().zip(link.beyond).collect();
    json!({
        "name": link.name,
        "bursts": link.bursts,
        "p50_secs": link.p50,
        "p99_secs": link.p99,
        "max_secs": link.max,
        "percent_beyond": beyond,
    })
}

fn spread_json(spread: Option<Spread>) -> Value {
    spread.map_or(
        Value::Null,
        |spread| json!({ "median": spread.median, "min": spread.min, "max": spread.max }),
    )
}
