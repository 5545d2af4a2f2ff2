//! Refreshes of logins while something else goes on: how much longer the slowest of a hundred takes then.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::dataset::Dataset;
use crate::load::{Load, Operation, Outcome};
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::workspace::Workspace;

const LOGINS: u64 = 10_000;
const CONNECTIONS: usize = 8;
/// Apart from the streams of the other benchmarks.
const STREAM: u64 = 9 << 32;

/// A data directory with some logins, and how they are refreshed.
pub struct Refreshes<'a> {
    plan: &'a Plan,
    pub dataset: Dataset,
    data_dir: PathBuf,
    log_path: PathBuf,
    stream: AtomicU64,
}

impl<'a> Refreshes<'a> {
    pub fn prepare(plan: &'a Plan, workspace: &Workspace, name: &str) -> Self {
        Self::prepare_many(plan, workspace, name, LOGINS)
    }

    pub fn prepare_many(plan: &'a Plan, workspace: &Workspace, name: &str, logins: u64) -> Self {
        let refreshes = Self {
            plan,
            dataset: Dataset {
                seed: plan.seed,
                logins,
            },
            data_dir: workspace.create_dir(&format!("data-{name}")),
            log_path: workspace.path().join(format!("rememberd-{name}.log")),
            stream: AtomicU64::new(STREAM),
        };
        let seed_path = workspace.path().join(format!("seed-{name}.json"));
        let dataset = &refreshes.dataset;
        dataset
            .write_seed_file(&seed_path)
            .expect("the workspace has room for the seed file");
        Server::start(&refreshes.data_dir, Some(&seed_path), &refreshes.log_path).stop();
        fs::remove_file(&seed_path).expect("the seed file is the benchmark's own");
        refreshes
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub fn start(&self, arguments: &[&str]) -> Server {
        Server::start_with(&self.data_dir, arguments, &self.log_path)
    }

    /// Refreshes while nothing else is sent.
    pub fn alone(&self, server: &Server) -> Outcome {
        self.during(server, 0, |_| {}).0
    }

    /// Refreshes while so many threads call `work` with their number, again and again; and how often it was called.
    pub fn during(
        &self,
        server: &Server,
        threads: usize,
        work: impl Fn(usize) + Sync,
    ) -> (Outcome, u64) {
        let (is_over, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        let outcome = thread::scope(|scope| {
            for number in 0..threads {
                let (is_over, calls, work) = (&is_over, &calls, &work);
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        work(number);
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let load = Load {
                address: server.address,
                operation: Operation::Refresh,
                connections: CONNECTIONS,
                warm_up: self.plan.warm_up,
                measure: self.plan.flow_measure,
                dataset: self.dataset,
                stream: self.stream.fetch_add(1, Ordering::Relaxed),
            };
            let outcome = load.spawn().outcome();
            is_over.store(true, Ordering::Relaxed);
            outcome
        });
        assert_eq!(outcome.errors, 0, "every refresh is answered");
        assert!(outcome.count > 0, "there are refreshes");
        (outcome, calls.into_inner())
    }
}
