//! The threads that hash passwords, so that no thread that serves does.
//!
//! Each keeps the memory of one hash and uses it again and again: memory that is requested for each hash would stay
//! with the process for each thread that ever hashed. A thread is started when it is needed and ends, with its memory,
//! when it had nothing to do for a while, so that a server on which nobody signs in has none.
//!
//! They yield to the other threads of the process: a crowd that signs in does not slow down who is signed in.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::nice;
use tokio::sync::oneshot;

use crate::config::passwords::PasswordConfig;
use crate::domain::password::{Argon2Cost, HashMemory};
use crate::error::Failure;

/// After how long a thread without work ends.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// By how much the threads yield, as the command `nice` does.
const NICENESS: i32 = 5;

/// What a thread does with its memory.
type Job = Box<dyn FnOnce(&mut HashMemory) + Send>;

/// The threads that hash passwords, and the queue before them. They end once this is dropped.
pub struct PasswordPool {
    shared: Arc<Shared>,
}

struct Shared {
    cost: Argon2Cost,
    threads_max: usize,
    queue_max: usize,
    idle_max: Duration,
    state: Mutex<State>,
    /// Notified when there is a job for a thread that waits.
    changed: Condvar,
    /// Held while a hash that takes more memory than usual is computed: one at a time.
    large: Mutex<()>,
    hashes: AtomicU64,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// How many of the threads wait for a job.
    idle: usize,
    is_closed: bool,
}

impl PasswordPool {
    /// A pool with the limits of the settings, without a thread yet.
    pub fn new(config: &PasswordConfig) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let fitting = config.password_memory_max / config.password_hash_memory;
        Self::with_limits(
            cost(config),
            fitting.clamp(1, processors),
            config.password_queue_max.get(),
            IDLE_MAX,
        )
    }

    fn with_limits(
        cost: Argon2Cost,
        threads_max: usize,
        queue_max: usize,
        idle_max: Duration,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                cost,
                threads_max,
                queue_max,
                idle_max,
                state: Mutex::default(),
                changed: Condvar::new(),
                large: Mutex::default(),
                hashes: AtomicU64::new(0),
            }),
        }
    }

    /// What an argon2id hash costs that is made now.
    pub fn cost(&self) -> Argon2Cost {
        self.shared.cost
    }

    /// The number of argon2id hashes that were computed.
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// The number of threads that there are now.
    pub fn threads(&self) -> usize {
        self.shared.lock().threads
    }

    /// Runs `work` on one of the threads, which may take hashes of this cost. It is queued at once, and not run if the
    /// returned future is dropped before its turn.
    ///
    /// # Errors
    ///
    /// [`Failure::Overloaded`] if too many wait, [`Failure::Internal`] if `work` panics: it has no result.
    pub fn run<T, W>(
        &self,
        cost: Argon2Cost,
        work: W,
    ) -> impl Future<Output = Result<T, Failure>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&mut HashMemory) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let queued = self.shared.push(Box::new(move |memory| {
            if answer.is_closed() {
                return;
            }
            let is_large = cost.memory_kib > shared.cost.memory_kib;
            let large = is_large.then(|| lock(&shared.large));
            let before = memory.hashes();
            let result = catch_unwind(AssertUnwindSafe(|| work(memory)));
            let hashes = memory.hashes() - before;
            shared.hashes.fetch_add(hashes, Ordering::Relaxed);
            memory.release_beyond(shared.cost);
            drop(large);
            if let Ok(result) = result {
                // An error is that nobody waits any more.
                let _ = answer.send(result);
            }
        }));
        if matches!(queued, Ok(Queued::NeedsThread)) {
            self.start_thread();
        }
        async {
            queued?;
            let failed = |_| Failure::Internal("a password could not be hashed".to_owned());
            answered.await.map_err(failed)
        }
    }

    fn start_thread(&self) {
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new()
            .name("password".to_owned())
            .spawn(move || {
                // Without the permission it is as urgent as the others.
                let _ = nice(NICENESS);
                shared.work();
            });
        if let Err(error) = started {
            tracing::error!(%error, "no thread could be started to hash passwords");
            let mut state = self.shared.lock();
            state.threads -= 1;
            if state.threads == 0 {
                // Nobody would run them.
                state.jobs.clear();
            }
        }
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        state.jobs.clear();
        self.shared.changed.notify_all();
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordPool(..)")
    }
}

/// How a job was queued.
#[derive(PartialEq, Eq)]
enum Queued {
    /// One of the threads takes it.
    ForThread,
    /// Another thread must be started, which is counted already.
    NeedsThread,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn push(&self, job: Job) -> Result<Queued, Failure> {
        let mut state = self.lock();
        if state.jobs.len() >= self.queue_max {
            return Err(Failure::Overloaded);
        }
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.threads < self.threads_max {
            state.threads += 1;
            return Ok(Queued::NeedsThread);
        }
        self.changed.notify_one();
        Ok(Queued::ForThread)
    }

    /// What a thread does.
    fn work(&self) {
        let mut memory = HashMemory::default();
        while let Some(job) = self.next() {
            job(&mut memory);
        }
    }

    /// The next job; `None` if the thread is to end, which is counted.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        let mut has_waited = false;
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if has_waited || state.is_closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, self.idle_max);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            has_waited = timeout.timed_out();
        }
    }
}

/// What an argon2id hash with the parameters in the settings costs.
fn cost(config: &PasswordConfig) -> Argon2Cost {
    let memory_kib = u32::try_from(config.password_hash_memory >> 10).ok();
    let passes = u32::try_from(config.password_hash_passes.get()).ok();
    memory_kib
        .zip(passes)
        .and_then(|(memory_kib, passes)| Argon2Cost::new(memory_kib, passes))
        .expect("the settings are checked when they are read")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pool(threads_max: usize, queue_max: usize, idle_max: Duration) -> PasswordPool {
        let cost = Argon2Cost::new(8, 1).expect("a valid cost");
        PasswordPool::with_limits(cost, threads_max, queue_max, idle_max)
    }

    /// Occupies a thread until the returned sender is dropped.
    fn occupy(pool: &PasswordPool) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        pool.run_always(move || {
            begun.send(()).expect("the test receives it");
            let _ = released.recv();
        });
        has_begun.recv().expect("a thread runs it");
        release
    }

    impl PasswordPool {
        /// As [`PasswordPool::run`], also if nobody waits for it.
        fn run_always(&self, work: impl FnOnce() + Send + 'static) {
            let queued = self.shared.push(Box::new(move |_| work()));
            if matches!(queued, Ok(Queued::NeedsThread)) {
                self.start_thread();
            }
        }
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused_and_the_others_are_run() {
        let pool = pool(1, 2, LONG);
        let cost = pool.cost();
        let held = occupy(&pool);
        let waiting = [1, 2].map(|number| pool.run(cost, move |_| number));
        assert_eq!(pool.run(cost, |_| ()).await, Err(Failure::Overloaded));
        drop(held);
        for (number, waiting) in [1, 2].into_iter().zip(waiting) {
            assert_eq!(waiting.await, Ok(number));
        }
        assert_eq!(pool.threads(), 1);
    }

    #[tokio::test]
    async fn no_more_threads_are_started_than_jobs_and_than_the_limit() {
        let pool = pool(2, 100, LONG);
        assert_eq!(pool.threads(), 0);
        let first = occupy(&pool);
        assert_eq!(pool.threads(), 1);
        let second = occupy(&pool);
        assert_eq!(pool.threads(), 2);
        let third = pool.run(pool.cost(), |_| ());
        assert_eq!(pool.threads(), 2);
        drop(second);
        assert_eq!(third.await, Ok(()));
        drop(first);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_run() {
        let pool = pool(1, 2, LONG);
        let cost = pool.cost();
        let held = occupy(&pool);
        drop(pool.run(cost, |_| panic!("it is run")));
        drop(held);
        assert_eq!(pool.run(cost, |_| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_of_its_own_job_alone() {
        let pool = pool(1, 2, LONG);
        let cost = pool.cost();
        let failed = pool.run(cost, |_| -> u8 { panic!("intended") }).await;
        assert!(matches!(failed, Err(Failure::Internal(_))), "{failed:?}");
        assert_eq!(pool.run(cost, |_| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_thread_without_work_ends() {
        let pool = pool(1, 2, Duration::from_millis(1));
        for _ in 0..2 {
            assert_eq!(pool.run(pool.cost(), |_| 1).await, Ok(1));
            while pool.threads() > 0 {
                thread::yield_now();
            }
        }
    }

    #[tokio::test]
    async fn what_waits_when_the_pool_ends_is_refused() {
        let pool = pool(1, 2, LONG);
        let held = occupy(&pool);
        let waiting = pool.run(pool.cost(), |_| 1);
        drop(pool);
        assert!(waiting.await.is_err());
        drop(held);
    }
}
