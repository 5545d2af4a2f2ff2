//! What a job does that fails, and what becomes of the others in its batch.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::storage::Store;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::journal::limits::JournalLimits;
use crate::storage::table::{Table, Text};
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::storage::writer::WriterLimits;

/// What a caller submits.
type BoxedJob = Box<dyn Fn(&WriteTxn) -> Result<(), Failure> + Send>;

const TABLE: Table<Text> = Table::new("table");

const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

fn limits(start_retry: Duration) -> WriterLimits {
    WriterLimits {
        background_pause_max: Duration::ZERO,
        queue_jobs_max: 64,
        batch_jobs_max: 64,
        start_retry,
        journal: JournalLimits {
            target: None,
            apply_min: 1,
            idle_after: Duration::from_secs(3_600),
            cache_bytes: 0,
        },
    }
}

fn store(runtime: &Runtime) -> Store {
    let opener = Box::new(|_| Ok(Engine::in_memory(&OPTIONS)));
    let limits = limits(Duration::ZERO);
    let (store, opened) = Store::start(opener, &[], &limits).expect("it starts");
    let opened = runtime.block_on(opened).expect("it is reported");
    opened.expect("it opens");
    store
}

/// Runs the jobs in one batch, and returns what they came to.
fn in_one_batch<const N: usize>(
    store: &Store,
    runtime: &Runtime,
    jobs: [BoxedJob; N],
) -> [Result<(), Failure>; N] {
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let held = store.write(move |_| {
        begun.send(()).expect("the test is there");
        let _ = released.recv();
        Ok(())
    });
    let held = runtime.spawn(held);
    has_begun.recv().expect("the writer is held");
    let commits = store.commits();
    let waiting = jobs.map(|job| runtime.spawn(store.write(job)));
    // A job is queued before `write` returns.
    drop(release);
    let outcomes = waiting.map(|job| runtime.block_on(job).expect("it does not panic"));
    let held = runtime.block_on(held).expect("it does not panic");
    held.expect("it is answered");
    assert!(store.commits() <= commits + 1, "it was one batch");
    outcomes
}

fn has(store: &Store, key: &str) -> bool {
    let found = store.read(|txn| txn.get(&TABLE, key, |_| Ok(())));
    found.expect("it is readable").is_some()
}

fn put(key: &'static str) -> BoxedJob {
    Box::new(move |txn| txn.put(&TABLE, key, b"record"))
}

#[test]
fn a_table_opened_twice_fails_its_own_job_alone() {
    let runtime = Runtime::new().expect("a runtime");
    let store = store(&runtime);
    let twice = Box::new(|txn: &WriteTxn| {
        txn.put(&TABLE, "spoiled", b"record")?;
        txn.scan(&TABLE, Bound::Unbounded, |_, _| {
            txn.put(&TABLE, "within", b"record")?;
            Ok(ControlFlow::Continue(()))
        })
    });
    let [first, failed, last] = in_one_batch(&store, &runtime, [put("first"), twice, put("last")]);
    assert_eq!((first, last), (Ok(()), Ok(())));
    assert!(matches!(failed, Err(Failure::Internal(_))), "{failed:?}");
    assert!(store.is_open());
    let there = ["first", "last", "spoiled", "within"].map(|key| has(&store, key));
    assert_eq!(there, [true, true, false, false]);
}

#[test]
fn what_a_failed_job_wanted_recorded_is_not() {
    let runtime = Runtime::new().expect("a runtime");
    let store = store(&runtime);
    let recorded = Arc::new(AtomicUsize::new(0));
    let job = |fails: bool| -> BoxedJob {
        let recorded = Arc::clone(&recorded);
        Box::new(move |txn| {
            let recorded = Arc::clone(&recorded);
            txn.on_commit(move || {
                recorded.fetch_add(1, Ordering::SeqCst);
            });
            if fails {
                return Err(Failure::Corrupt("a record".to_owned()));
            }
            txn.put(&TABLE, "key", b"record")
        })
    };
    let [good, failed] = in_one_batch(&store, &runtime, [job(false), job(true)]);
    assert_eq!(good, Ok(()));
    assert!(matches!(failed, Err(Failure::Corrupt(_))));
    runtime.block_on(store.close()).expect("it closes");
    assert_eq!(recorded.load(Ordering::SeqCst), 1);
}

#[test]
fn a_panic_after_a_commit_ends_nothing() {
    let runtime = Runtime::new().expect("a runtime");
    let store = store(&runtime);
    let panics = Box::new(|txn: &WriteTxn| {
        txn.on_commit(|| panic!("after the commit"));
        txn.put(&TABLE, "key", b"record")
    });
    let [written] = in_one_batch(&store, &runtime, [panics]);
    assert_eq!(written, Ok(()));
    let [again] = in_one_batch(&store, &runtime, [put("again")]);
    assert_eq!(again, Ok(()));
    assert!(store.is_open() && has(&store, "key") && has(&store, "again"));
}

#[test]
fn a_panic_of_a_job_fails_it_alone() {
    let runtime = Runtime::new().expect("a runtime");
    let store = store(&runtime);
    let panics = Box::new(|txn: &WriteTxn| {
        txn.put(&TABLE, "spoiled", b"record")?;
        panic!("in the job")
    });
    let [written, failed] = in_one_batch(&store, &runtime, [put("key"), panics]);
    assert_eq!(written, Ok(()));
    assert!(matches!(failed, Err(Failure::Internal(_))));
    assert!(has(&store, "key") && !has(&store, "spoiled"));
}

/// How the start of a store ends whose opener fails `times` times with `failure`, and how often it was called.
fn start(failure: Failure, times: usize, start_retry: Duration) -> (Result<(), Failure>, usize) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let opener = Box::new(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) < times {
            Err(failure.clone())
        } else {
            Ok(Engine::in_memory(&OPTIONS))
        }
    });
    let (_store, opened) = Store::start(opener, &[], &limits(start_retry)).expect("it starts");
    let opened = opened.blocking_recv().expect("it is reported");
    (opened, attempts.load(Ordering::SeqCst))
}

#[test]
fn a_start_goes_on_after_an_error_that_passes_and_is_refused_after_one_that_stays() {
    let hour = Duration::from_secs(3_600);
    let busy = || Failure::Storage("it is busy".to_owned());
    assert_eq!(start(busy(), 3, hour), (Ok(()), 4));
    assert_eq!(start(busy(), usize::MAX, Duration::ZERO), (Err(busy()), 1));
    for stays in [
        Failure::Damaged("cut".to_owned()),
        Failure::Unusable("newer".to_owned()),
    ] {
        assert_eq!(start(stays.clone(), usize::MAX, hour), (Err(stays), 1));
    }
}

#[test]
fn a_request_to_close_ends_the_retrying_of_a_start() {
    let runtime = Runtime::new().expect("a runtime");
    let opener = Box::new(|_| Err(Failure::Storage("it is busy".to_owned())));
    let limits = limits(Duration::from_secs(3_600));
    let (store, opened) = Store::start(opener, &[], &limits).expect("it starts");
    assert_eq!(runtime.block_on(store.close()), Ok(()));
    assert!(runtime.block_on(opened).is_err());
}
