//! A workload runs again and again, and each time another operation of its disk fails.

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

/// How many logins there are at the beginning: enough for trees of more than one page.
const LOGINS: usize = 100;

/// How many rounds the workload has.
const ROUNDS: usize = 4;

/// For how many operations a disk is sick at most, if not until it is healed. Each is another attempt
/// to reopen the database, after a longer pause.
const SICK_OPERATIONS_MAX: usize = 4;

/// How much later at most it falls sick once more: while the database is opened, or after that.
const AGAIN_MAX: usize = 60;

/// How many workloads a long run has.
const LONG_WORKLOADS: u64 = 10;

/// How many workloads are tried at most to find out a host that caches wrongly.
const CONTROLS_MAX: u64 = 200;

/// How many runs go on at a time.
const THREADS: usize = 6;

#[test]
fn whatever_operation_fails_nothing_told_is_lost_and_it_serves_again() {
    let seed = support::test_seed();
    let long = support::variable("REMEMBERD_TEST_LONG") == Some(1);
    for number in 0..if long { LONG_WORKLOADS } else { 1 } {
        assert_survives_every_fault(seed.wrapping_add(number), long);
    }
}

#[test]
fn a_host_whose_memory_is_taken_for_the_disk_is_found_out() {
    let seed = support::test_seed();
    // What is lost is often written anew by chance.
    let is_found_out = (0..CONTROLS_MAX).any(|number| {
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
            // The damage may be such that the library cannot even look at it.
            let run = AssertUnwindSafe(|| trial.run(Some(fault)));
            operation == Operation::Sync && !matches!(catch_unwind(run), Ok(Ok(_)))
        })
    });
    assert!(is_found_out);
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
    // Most of a run is waiting for the disk to be tried again.
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
    // While it is closed, nobody asks for anything that could fail.
    let reachable = faults.iter().filter(|fault| fault.at < serving).count();
    let (runs, reached) = (faults.len(), reached.into_inner());
    let operations = operations.len();
    eprintln!(
        "{operations} operations, {serving} of them while it served; {runs} runs, {reachable} of them \
         with a fault there, in {reached} of which requests failed"
    );
    assert!(2 * reached > reachable, "faults reach the requests");
}

/// The faults to try at this operation.
fn faults(at: usize, operation: Operation, long: bool, random: &mut StdRng) -> Vec<Fault> {
    let damages: &[Damage] = match operation {
        Operation::Length | Operation::Read => &[Damage::Nothing],
        Operation::SetLength => &[Damage::Nothing, Damage::Everything],
        Operation::Write => &[Damage::Nothing, Damage::Part],
        Operation::Sync => &[Damage::Nothing, Damage::Part, Damage::Everything],
    };
    let all = [
        Lasts::Once,
        Lasts::UntilHealed,
        Lasts::For(random.random_range(2..=SICK_OPERATIONS_MAX)),
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

/// A workload that is the same each time, up to the first failure.
struct Trial<O> {
    seed: u64,
    opener: O,
    base: Vec<u8>,
    ledger: Ledger,
}

/// What came of a run in which nothing was lost.
struct Outcome {
    operations: Vec<Operation>,
    /// How many of the operations came before the database was closed.
    serving: usize,
    failed_requests: usize,
}

impl<O: Fn(&FaultyDisk) -> Opener + Sync> Trial<O> {
    fn new(seed: u64, opener: O) -> Self {
        let (base, ledger) = client::runtime().block_on(client::furnish(LOGINS, seed));
        Self {
            seed,
            opener,
            base,
            ledger,
        }
    }

    /// Runs the workload on a disk with this fault, until all that was asked for is served.
    ///
    /// # Errors
    ///
    /// What is wrong with the disk afterwards.
    fn run(&self, fault: Option<Fault>) -> Result<Outcome, String> {
        client::runtime().block_on(self.work(fault))
    }

    async fn work(&self, fault: Option<Fault>) -> Result<Outcome, String> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let disk = FaultyDisk::new(self.base.clone(), random.next_u64());
        let app = client::serve(&[], (self.opener)(&disk), random.next_u64()).await;
        let mut client = Client::new(app, self.ledger.clone());
        let mut failed_requests = 0;
        let mut bear = |app: &App, _: &Failure| {
            failed_requests += 1;
            if fault.is_some_and(|fault| fault.lasts == Lasts::UntilHealed) && disk.is_sick() {
                assert_refuses_everyone_while_sick(app, &disk);
                disk.heal();
            }
        };
        disk.begin(fault);
        for _ in 0..ROUNDS {
            client.round(&mut random, &mut bear).await;
        }
        client.read_back(&mut bear).await;
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

fn assert_refuses_everyone_while_sick(app: &App, disk: &FaultyDisk) {
    let failures = disk.failures();
    wait_until("it was tried to reopen it", || disk.failures() > failures);
    assert!(!app.is_ready());
    assert!(!app.store.is_open());
    let read = app.store.read(persistent_login::is_empty);
    assert_eq!(read, Err(Failure::Unavailable));
}
