//! The report as a table on standard output.

use crate::attacks::AttackRow;
use crate::deployment::Facts;
use crate::plan::grouped;
use crate::probe::Sizes;
use crate::report::{Report, Summary, executable_bytes, fact_rows, processors};
use crate::sample::{Round, Spread};
use crate::slow_link::{PEER_GRACES_SECS, SlowLink};
use crate::targets::{Bound, Comparison};
use crate::{postgres, redis};

impl Report<'_> {
    pub fn print(&self) {
        self.print_head();
        self.print_rates();
        self.print_facts(&self.facts.small);
        self.print_facts(&self.facts.large);
        print_links(&self.links);
        print_attacks(&self.attacks);
        print_comparisons(&self.comparisons);
    }

    fn print_head(&self) {
        let plan = self.plan;
        println!("rememberd, benchmark of the rotation");
        println!(
            "mode {}, seed {}, rounds: {} of {:?} after {:?} of warm-up, {} processors, file system {}",
            plan.mode,
            plan.seed,
            plan.rounds,
            plan.measure,
            plan.warm_up,
            processors(),
            self.file_system
        );
        if self.file_system == "tmpfs" {
            println!(
                "This is memory and no disk: nothing was durable, and no figure below means anything."
            );
        }
        println!("executable: {:.1} MB", executable_bytes() as f64 / 1e6);
        print_sizes("rememberd", &self.sizes.rememberd);
        print_sizes("bare hyper", &self.sizes.baseline);
        println!("{}", redis::DESCRIPTION);
        println!("{}", postgres::DESCRIPTION);
    }

    fn print_rates(&self) {
        println!(
            "\n{:<34} {:>5} {:>9} {:>19} {:>9} {:>9} {:>9} {:>6}",
            "rate", "conn.", "per sec.", "min – max", "p50 µs", "p99 µs", "max µs", "errors"
        );
        for (point, rounds) in self.rates.iter() {
            let name = self.plan.name(point.subject);
            print!("{name:<34} {:>5} ", point.connections);
            match rounds {
                Ok(rounds) => print_rounds(rounds),
                Err(reason) => println!("{reason}"),
            }
        }
    }

    fn print_facts(&self, facts: &Facts) {
        println!(
            "\n{:<51} {:>9} {:>19}",
            logins(facts),
            "median",
            "min – max"
        );
        for (name, unit, spread) in fact_rows(facts) {
            let name = format!("{name}, {unit}");
            match spread {
                Some(spread) => println!(
                    "{name:<51} {:>9.1} {:>19}",
                    spread.median,
                    range(&spread, 1)
                ),
                None => println!("{name:<51} not logged, not measured"),
            }
        }
    }
}

pub fn print_comparisons(comparisons: &[Comparison]) {
    println!(
        "\n{:<86} {:>8} {:>9} {:>17}  verdict",
        "comparison (ratios: median of the rounds)", "target", "value", "min – max"
    );
    for comparison in comparisons {
        let name = format!("{}, {}", comparison.name, comparison.unit);
        let target = comparison.bound.map_or_else(String::new, target_text);
        print!("{name:<86} {target:>8} ");
        match &comparison.value {
            Ok(spread) => println!(
                "{:>9.2} {:>17}  {}",
                spread.median,
                range(spread, 2),
                comparison.verdict()
            ),
            Err(reason) => println!("{reason}"),
        }
    }
}

pub fn print_links(links: &[SlowLink]) {
    print!(
        "\n{:<51} {:>7} {:>7} {:>7} {:>7}",
        "last replaced token of ten after the rotation, s", "bursts", "p50", "p99", "max"
    );
    let graces = PEER_GRACES_SECS.map(|grace| format!(" {:>8}", format!("> {grace} s")));
    println!("{}", graces.concat());
    for link in links {
        print!(
            "{:<51} {:>7} {:>7.2} {:>7.2} {:>7.2}",
            link.name, link.bursts, link.p50, link.p99, link.max
        );
        let beyond = link.beyond.map(|percent| format!(" {percent:>6.1} %"));
        println!("{}", beyond.concat());
    }
}

pub fn print_attacks(rows: &[AttackRow]) {
    println!(
        "\n{:<45} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>8} {:>6} {:>7}",
        "honest clients under attack, times in ms",
        "new p50",
        "p99",
        "max",
        "lost",
        "kept p50",
        "p99",
        "max",
        "lost",
        "MB"
    );
    for row in rows {
        print!("{:<45}", row.name);
        for round in [&row.new_client, &row.pooled] {
            for time in [round.p50_us, round.p99_us, round.max_us] {
                let text = time.map_or_else(|| "-".to_owned(), |us| format!("{:.2}", us / 1e3));
                print!(" {text:>8}");
            }
            print!(" {:>6}", round.errors);
        }
        println!(" {:>7.1}", row.memory_mb);
    }
}

fn print_sizes(who: &str, sizes: &Sizes) {
    println!(
        "bytes, {who}: refresh {} and {}, GET {} and {} (request and answer)",
        sizes.refresh_request, sizes.refresh_answer, sizes.get_request, sizes.get_answer
    );
}

fn print_rounds(rounds: &[Round]) {
    let summary = Summary::of(rounds);
    let number = |spread: Option<Spread>| {
        spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.median))
    };
    println!(
        "{:>9} {:>19} {:>9} {:>9} {:>9} {:>6}",
        number(summary.per_second),
        summary
            .per_second
            .map_or_else(String::new, |spread| range(&spread, 0)),
        number(summary.p50_us),
        number(summary.p99_us),
        summary
            .max_us
            .map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.max)),
        summary.errors
    );
}

fn logins(facts: &Facts) -> String {
    format!("{} logins", grouped(facts.logins))
}

fn range(spread: &Spread, decimals: usize) -> String {
    format!("{:.decimals$} – {:.decimals$}", spread.min, spread.max)
}

pub fn target_text(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(limit) => format!("≥ {limit}"),
        Bound::AtMost(limit) => format!("≤ {limit}"),
    }
}
