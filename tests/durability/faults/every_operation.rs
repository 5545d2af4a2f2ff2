//! A workload runs once for each operation of its disk, which fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rememberd::testing::{App, Engine, Failure, Opener, tables::persistent_login};

use crate::faults::client::{self, Client, OPTIONS, wait_until};
use crate::faults::faulty_disk::{Damage, EIO, ENOSPC, Fault, FaultyDisk, Lasts, Operation};
use crate::faults::ledger::Ledger;
use crate::support;

/// The number of logins at the start: enough for trees with several pages.
const LOGINS: usize = 100;

/// The number of rounds of the workload.
const ROUNDS: usize = 4;

/// The maximum number of operations that fail in a row, unless the disk fails until it is repaired. Each of
/// them is another attempt to reopen the database, after a longer pause.
const FAILURES_MAX: usize = 4;

/// The maximum distance of a second failure: while the database is reopened, or after that.
const AGAIN_MAX: usize = 60;

/// The number of workloads in a long run.
const LONG_WORKLOADS: u64 = 10;

/// The maximum number of workloads that are run to detect a host with a wrong cache.
const CONTROLS_MAX: u64 = 200;

/// The number of concurrent runs.
const THREADS: usize = 6;

#[test]
fn after_a_failure_of_any_operation_no_change_is_lost_and_it_serves_again() {
    let seed = support::test_seed();
    let long = support::variable("REMEMBERD_TEST_LONG") == Some(1);
    for number in 0..if long { LONG_WORKLOADS } else { 1 } {
        assert_survives_every_fault(seed.wrapping_add(number), long);
    }
}

#[test]
fn reading_the_host_cache_after_a_failure_is_detected() {
    let seed = support::test_seed();
    // Lost pages are often written again by chance.
    let is_detected = (0..CONTROLS_MAX).any(|number| {
        let trial = Trial::new(seed.wrapping_add(number), |disk: &FaultyDisk| -> Opener {
            let disk = disk.clone();
            Box::new(move |_| Engine::open_backend(disk.clone(), &OPTIONS))
        });
        let operations = trial.run(None).expect("the disk works").operations;
        let mut operations = operations.into_iter().enumerate();
        operations.any(|(at, operation)| {
            let fault = Fault {
                at,
                lasts: Lasts::Once,
                damage: Damage::Nothing,
                errno: EIO,
            };
            // The library may panic on the damaged file.
            let run = AssertUnwindSafe(|| trial.run(Some(fault)));
            operation == Operation::Sync && !matches!(catch_unwind(run), Ok(Ok(_)))
        })
    });
    assert!(is_detected);
}

fn assert_survives_every_fault(seed: u64, long: bool) {
    let trial = Trial::new(seed, client::opener);
    let Outcome {
        operations,
        serving,
        ..
    } = trial.run(None).expect("the disk works");
    let mut random = StdRng::seed_from_u64(trial.seed);
    let faults: Vec<_> = (0..)
        .zip(&operations)
        .flat_map(|(at, &operation)| faults(at, operation, long, &mut random))
        .collect();
    let reached = AtomicUsize::new(0);
    // Most of a run's time passes before the next attempt to reopen the database.
    thread::scope(|scope| {
        for part in faults.chunks(faults.len().div_ceil(THREADS)) {
            let (trial, reached) = (&trial, &reached);
            scope.spawn(move || {
                for &fault in part {
                    let outcome = trial.run(Some(fault));
                    let outcome = outcome.unwrap_or_else(|loss| panic!("{fault:?}: {loss}"));
                    let has_reached = usize::from(outcome.failed_requests > 0);
                    reached.fetch_add(has_reached, Ordering::Relaxed);
                }
            });
        }
    });
    // After the database is closed, no request can fail.
    let reachable = faults.iter().filter(|fault| fault.at < serving).count();
    let (runs, reached) = (faults.len(), reached.into_inner());
    let operations = operations.len();
    eprintln!(
        "{operations} operations, {serving} of them while it served; {runs} runs, {reachable} of them \
         with a fault there, in {reached} of which requests failed"
    );
    assert!(2 * reached > reachable, "most faults make requests fail");
}

/// The faults to test at this operation.
fn faults(at: usize, operation: Operation, long: bool, random: &mut StdRng) -> Vec<Fault> {
    let damages: &[Damage] = match operation {
        Operation::Length | Operation::Read => &[Damage::Nothing],
        Operation::SetLength => &[Damage::Nothing, Damage::Everything],
        Operation::Write => &[Damage::Nothing, Damage::Part],
        Operation::Sync => &[Damage::Nothing, Damage::Part, Damage::Everything],
    };
    let all = [
        Lasts::Once,
        Lasts::UntilRepaired,
        Lasts::For(random.random_range(2..=FAILURES_MAX)),
        Lasts::Again(random.random_range(1..=AGAIN_MAX)),
    ];
    let first = random.random_range(0..all.len());
    let mut faults = Vec::new();
    for (number, &damage) in damages.iter().enumerate() {
        let lasts = if long {
            &all[..]
        } else {
            &all[(first + number) % all.len()..][..1]
        };
        faults.extend(lasts.iter().map(|&lasts| Fault {
            at,
            lasts,
            damage,
            errno: if random.random() { EIO } else { ENOSPC },
        }));
    }
    faults
}

/// A workload that is the same in each run, up to the first failure.
struct Trial<O> {
    seed: u64,
    opener: O,
    base: Vec<u8>,
    ledger: Ledger,
}

/// The results of a run without a loss.
struct Outcome {
    operations: Vec<Operation>,
    /// The number of operations before the database was closed.
    serving: usize,
    failed_requests: usize,
}

impl<O: Fn(&FaultyDisk) -> Opener + Sync> Trial<O> {
    fn new(seed: u64, opener: O) -> Self {
        let (base, ledger) = client::runtime().block_on(client::create_database(LOGINS, seed));
        Self {
            seed,
            opener,
            base,
            ledger,
        }
    }

    /// Runs the workload on a disk with this fault, until all requests succeed.
    ///
    /// # Errors
    ///
    /// If the disk does not match the ledger afterwards.
    fn run(&self, fault: Option<Fault>) -> Result<Outcome, String> {
        client::runtime().block_on(self.run_workload(fault))
    }

    async fn run_workload(&self, fault: Option<Fault>) -> Result<Outcome, String> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let disk = FaultyDisk::new(self.base.clone(), random.next_u64());
        let app = client::serve(&[], (self.opener)(&disk), random.next_u64()).await;
        let mut client = Client::new(app, self.ledger.clone());
        let mut failed_requests = 0;
        let mut on_failure = |app: &App, failure: &Failure| {
            failed_requests += 1;
            if fault.is_some_and(|fault| fault.lasts == Lasts::UntilRepaired) && disk.may_fail() {
                // A request that reads what cannot be read may fail alone: the database stays open.
                if !matches!(failure, Failure::Unreadable(_)) {
                    assert_refuses_all_while_failing(app, &disk, failure);
                }
                disk.repair();
            }
        };
        disk.begin(fault);
        for _ in 0..ROUNDS {
            client.round(&mut random, &mut on_failure).await;
        }
        client.assert_reads_back(&mut on_failure).await;
        client.ledger.verify(&client::logins_in(disk.stored())?)?;
        let serving = disk.operations().len();
        let closed = client.app.store.close().await;
        if disk.failures() == 0 {
            closed.expect("the disk works");
        }
        client.ledger.verify(&client::logins_in(disk.stored())?)?;
        Ok(Outcome {
            operations: disk.operations(),
            serving,
            failed_requests,
        })
    }
}

fn assert_refuses_all_while_failing(app: &App, disk: &FaultyDisk, failure: &Failure) {
    let failures = disk.failures();
    let what = format!("an attempt to reopen it was made after {failure:?}");
    wait_until(&what, || disk.failures() > failures);
    assert!(!app.is_ready());
    assert!(!app.store.is_open());
    let read = app.store.read(persistent_login::is_empty);
    assert_eq!(read, Err(Failure::Unavailable));
}
