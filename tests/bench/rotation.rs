//! The benchmark of the rotation: throughput, latency, memory and space, compared with other systems.
//!
//! `cargo bench` prints one table and writes the same as `rotation-bench.json` into the target directory. The
//! variables: `REMEMBERD_BENCH` is `quick` (does the harness work?), absent (a few minutes), `long` (a minute a point),
//! `attachments` (only uploads and downloads of attachments), `attacks` (only what honest clients get while the server
//! is attacked), `backup` (only backups), `bulk` (only what many logins of one profile cost), `flows` (only what
//! clients do from sign-in to sign-out), `import` (only an import and the load of a seed file), `mail` (only what an
//! SMTP server that hangs costs), `metrics` (only what reading the metrics costs), `profiles` (only profiles),
//! `queries` (only queries for profiles), `sign_in` (only how many users sign in), `tickets` (only how many tickets are
//! read) or `links` (only bursts over slow links), and `REMEMBERD_BENCH_SEED` replays the random choices of an earlier
//! run.
//!
//! One run measures everything that is compared, in rounds that alternate between the systems, because the same disk
//! gives different figures a minute later. Load always comes from another process. Where to read on:
//!
//! | File | Idea |
//! |---|---|
//! | `plan.rs` | how long, how much, and which points in which order |
//! | `comparison.rs` | the systems that are measured, and one round of one point |
//! | `deployment.rs`, `records.rs` | one filled data directory: opens, memory, file size, crashes |
//! | `rememberd.rs` | the server under test as a process |
//! | `baseline.rs` | the bare HTTP server that does nothing: what HTTP alone costs |
//! | `redis.rs`, `redis_proxy.rs`, `postgres.rs`, `disk.rs` | what it is compared with |
//! | `load.rs`, `generator.rs`, `exchange.rs` | the load: as a child process, inside it, and one request of it |
//! | `slow_link.rs` | how long a burst over a slow link presents the replaced token |
//! | `probe.rs` | that the server rotates at all, and how many bytes travel |
//! | `dataset.rs` | the logins, computable from a seed |
//! | `attacks.rs`, `attacker.rs` | what honest clients get while the server is attacked, and the attacks |
//! | `flows.rs`, `flow.rs` | what the clients of the wire contract do from sign-in to sign-out, and its calls |
//! | `bulk.rs` | what very many logins of one profile cost all others |
//! | `sign_in.rs` | how many users sign in, and the memory of it |
//! | `profiles.rs` | reads of profiles, compared with reads of logins, and their creation |
//! | `queries.rs` | queries for profiles, and what they cost all others |
//! | `attachments.rs` | memory of uploads and downloads, and what they cost all others |
//! | `mail.rs` | what an SMTP server that hangs costs all others |
//! | `metrics.rs` | what it costs all others that the metrics are read |
//! | `backup.rs` | what a backup takes, and what it costs all others |
//! | `moving.rs` | an import, and the load of a large seed file |
//! | `refreshes.rs` | refreshes while something else goes on |
//! | `tickets.rs` | how many tickets are read |
//! | `targets.rs`, `sample.rs` | the targets, and medians |
//! | `report.rs`, `table.rs`, `json.rs` | the results, as text, as JSON |
//! | `process.rs`, `workspace.rs` | children and directories that do not outlive the run |

use std::env;
use std::path::Path;
use std::process::ExitCode;

use crate::comparison::Comparison;
use crate::plan::Plan;
use crate::report::Report;
use crate::workspace::Workspace;

mod attachments;
mod attacker;
mod attacks;
mod backup;
mod baseline;
mod bulk;
mod comparison;
mod dataset;
mod deployment;
mod disk;
mod exchange;
mod flow;
mod flows;
mod generator;
mod json;
mod listing;
mod load;
mod mail;
mod metrics;
mod moving;
mod plan;
mod postgres;
mod probe;
mod process;
mod profiles;
mod queries;
mod records;
mod recovery;
mod redis;
mod redis_proxy;
mod refreshes;
mod rememberd;
mod report;
mod sample;
mod sign_in;
mod slow_link;
mod table;
mod targets;
mod tickets;
mod workspace;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some(load::SUBCOMMAND) => generator::main(&args[1..]),
        Some(baseline::SUBCOMMAND) => baseline::main(),
        Some(attacker::SUBCOMMAND) => attacker::main(&args[1..]),
        Some(redis_proxy::SUBCOMMAND) => redis_proxy::main(&args[1..]),
        _ if is_bench_run(&args) => return run(&Plan::from_env()),
        _ => eprintln!("rotation: runs under `cargo bench` only"),
    }
    ExitCode::SUCCESS
}

/// Only `cargo bench` passes `--bench`: neither `cargo test --all-targets` nor a test runner's `--list` may take
/// minutes.
fn is_bench_run(args: &[String]) -> bool {
    let has = |name: &str| args.iter().any(|arg| arg == name);
    has("--bench") && !has("--test") && !has("--list")
}

fn run(plan: &Plan) -> ExitCode {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("cargo's temporary directory lies in the target directory");
    // First, so that it is dropped last: nothing may still write into it when it goes.
    let workspace = Workspace::create(env!("CARGO_TARGET_TMPDIR"));

    if plan.mode == plan::ATTACKS_ONLY {
        let attacks = attacks::measure(plan, &workspace);
        table::print_attacks(&attacks);
        table::print_comparisons(&targets::of_attacks(&attacks));
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::TICKETS_ONLY {
        table::print_comparisons(&targets::of_tickets(&tickets::measure(&workspace)));
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::SIGN_IN_ONLY {
        table::print_comparisons(&targets::of_sign_in(&sign_in::measure(&workspace)));
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::BULK_ONLY {
        table::print_comparisons(&targets::of_bulk(&bulk::measure(plan, &workspace)));
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::PROFILES_ONLY {
        let profiles = profiles::measure(plan, &workspace);
        table::print_comparisons(&profiles.comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::QUERIES_ONLY {
        let queries = queries::measure(plan, &workspace);
        table::print_comparisons(&queries.comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::ATTACHMENTS_ONLY {
        let attachments = attachments::measure(plan, &workspace);
        table::print_comparisons(&attachments.comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::MAIL_ONLY {
        table::print_comparisons(&mail::measure(plan, &workspace).comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::METRICS_ONLY {
        table::print_comparisons(&metrics::measure(plan, &workspace).comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::BACKUP_ONLY {
        let backup = backup::measure(plan, &workspace);
        table::print_comparisons(&backup.comparisons(plan));
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::IMPORT_ONLY {
        table::print_comparisons(&moving::measure(plan, &workspace).comparisons());
        return ExitCode::SUCCESS;
    }
    if plan.mode == plan::FLOWS_ONLY {
        table::print_comparisons(&targets::of_flows(&flows::measure(plan, &workspace)));
        return ExitCode::SUCCESS;
    }
    if plan.points.is_empty() {
        table::print_links(&slow_link::measure(plan, &workspace));
        return ExitCode::SUCCESS;
    }
    let mut comparison = Comparison::prepare(plan, &workspace);
    let sizes = comparison.sizes();
    let rates = comparison.measure(plan);
    let facts = comparison.finish(plan, &workspace);

    let links = slow_link::measure(plan, &workspace);

    let attacks = attacks::measure(plan, &workspace);

    let flows = flows::measure(plan, &workspace);

    let comparisons = targets::compare(plan, &rates, &facts, &attacks, &flows);
    let report = Report {
        plan,
        file_system: disk::file_system(workspace.path()),
        sizes,
        rates,
        facts,
        links,
        attacks,
        comparisons,
    };
    report.print();
    report.write_json(&target_dir.join("rotation-bench.json"));
    report.exit_code()
}
